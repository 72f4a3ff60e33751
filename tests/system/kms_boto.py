"""AWS's own Python client against em-twin's KMS: kms_boto.py PORT ROOTS.pem STATE KEY_ARN.

Prints "ok NAME" and "not ok NAME" lines, like every test.
"""
import json
import os
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, SSLError

port, roots, state, arn = sys.argv[1:]
for name in list(os.environ):
    if name.startswith("AWS_"):
        del os.environ[name]
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
twin = json.load(open(os.path.join(state, "twin.json")))


def client(verify=roots, **changed):
    keys = {"aws_access_key_id": twin["access_key_id"],
            "aws_secret_access_key": twin["secret_access_key"],
            "aws_session_token": twin["session_token"]}
    keys.update(changed)
    region = keys.pop("region", twin["region"])
    return boto3.client("kms", region_name=region, endpoint_url=f"https://localhost:{port}",
                        verify=verify, config=Config(retries={"max_attempts": 1}, connect_timeout=10,
                                                     read_timeout=10, proxies={}), **keys)


def check(name, claim):
    print(f"{'ok' if claim else 'not ok'} boto3: {name}", flush=True)


def refused(name, code, call):
    try:
        call()
        check(f"{name}: {code}", False)
    except ClientError as e:
        got = e.response["Error"]["Code"]
        check(f"{name}: {code}", got == code)
        if got != code:
            print(f"  {got}")


kms = client()
context = {"em:model": "small", "em:version": "1", "em:manifest": "00" * 32}
answer = kms.encrypt(KeyId=arn, Plaintext=b"k" * 32, EncryptionContext=context)
check("Encrypt", answer["KeyId"] == arn and len(answer["CiphertextBlob"]) > 32
      and b"k" * 32 not in answer["CiphertextBlob"])
blob = answer["CiphertextBlob"]
check("Encrypt by the key's UUID", kms.encrypt(KeyId=arn.split("/")[1], Plaintext=b"x")["KeyId"] == arn)
meta = kms.describe_key(KeyId=arn)["KeyMetadata"]
check("DescribeKey", meta["Arn"] == arn and meta["Enabled"])
refused("Decrypt without a recipient", "AccessDeniedException",
        lambda: kms.decrypt(KeyId=arn, CiphertextBlob=blob, EncryptionContext=context))
refused("a recipient whose document is none", "ValidationException",
        lambda: kms.decrypt(KeyId=arn, CiphertextBlob=blob, EncryptionContext=context,
                            Recipient={"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256",
                                       "AttestationDocument": b"no document"}))
refused("a blob that is none", "InvalidCiphertextException", lambda: kms.decrypt(KeyId=arn, CiphertextBlob=b"x" * 100))
refused("no such key", "NotFoundException",
        lambda: kms.describe_key(KeyId="00000000-0000-4000-8000-000000000000"))
refused("an operation that is not played", "UnknownOperationException", lambda: kms.create_key())
refused("a wrong secret", "InvalidSignatureException",
        lambda: client(aws_secret_access_key="x" * 40).describe_key(KeyId=arn))
refused("another access key", "UnrecognizedClientException",
        lambda: client(aws_access_key_id="ASIAAAAAAAAAAAAAAAAA").describe_key(KeyId=arn))
refused("no session token", "UnrecognizedClientException",
        lambda: client(aws_session_token=None).describe_key(KeyId=arn))
refused("another region's signature", "UnrecognizedClientException",
        lambda: client(region="us-east-1").describe_key(KeyId=arn))
try:
    client(verify=True).describe_key(KeyId=arn)
    check("its certificate is under no public root", False)
except SSLError:
    check("its certificate is under no public root", True)
