/* cms_impl.h - the object identifiers that both halves of CMS name.
 *
 * Trust:  none: constants.
 * Memory: none.
 */
#ifndef EM_CRYPTO_CMS_IMPL_H
#define EM_CRYPTO_CMS_IMPL_H

/* Contents octets of OBJECT IDENTIFIERs, for EM_STR: 1.2.840.113549.1.7 .3 and .1,
 * 1.2.840.113549.1.1 .7, .8 and .9, then 2.16.840.1.101.3.4 .2.1 and .1.42. */
#define EM_CMS_OID_ENVELOPED "\x2A\x86\x48\x86\xF7\x0D\x01\x07\x03"
#define EM_CMS_OID_DATA "\x2A\x86\x48\x86\xF7\x0D\x01\x07\x01"
#define EM_CMS_OID_OAEP "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x07"
#define EM_CMS_OID_MGF1 "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x08"
#define EM_CMS_OID_P_SPECIFIED "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x09"
#define EM_CMS_OID_SHA256 "\x60\x86\x48\x01\x65\x03\x04\x02\x01"
#define EM_CMS_OID_AES256_CBC "\x60\x86\x48\x01\x65\x03\x04\x01\x2A"

#endif
