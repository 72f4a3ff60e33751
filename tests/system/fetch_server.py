"""A small server laid out like Hugging Face, that behaves, cuts, lies, redirects, stalls.

usage: fetch_server.py FOLDER LOG [CERT KEY]   prints its port.  The repository's owner says how it behaves.
"""
import hashlib, http.server, json, os, ssl, sys, time

FOLDER, LOG = sys.argv[1], sys.argv[2]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
count = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def note(self, status):
        with open(LOG, "a") as f:
            f.write(f"{self.command} {self.path} {status} range={self.headers.get('Range')} if={self.headers.get('If-Range')}\n")

    def answer(self, status, body=b"", **headers):
        self.note(status)
        self.send_response(status)
        for k, v in headers.items():
            self.send_header(k.replace("_", "-"), v)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def cut(self, status, body, upto, pause=0, **headers):
        """Announces all of the body, sends some of it, and goes away (after a while)."""
        self.note(status)
        self.send_response(status)
        for k, v in headers.items():
            self.send_header(k.replace("_", "-"), v)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:upto])
        self.wfile.flush()
        time.sleep(pause)
        self.close_connection = True

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        parts = self.path.split("?")[0].strip("/").split("/")
        if parts[0] == "cdn":
            how, repo, name = "plain", parts[1], "/".join(parts[2:])
        else:
            how, repo, revision, name = parts[0], parts[1], parts[3], "/".join(parts[4:])
            if revision == "main" and how != "mute":
                return self.answer(200, b"{}", X_Repo_Commit=COMMIT)
        path = os.path.join(FOLDER, repo, name)
        key = (how, name)
        count[key] = count.get(key, 0) + 1
        if how == "missing" or not os.path.isfile(path):
            return self.answer(404, b"Entry not found", X_Error_Code="EntryNotFound")
        if how == "login":
            return self.answer(401, b"", X_Error_Code="RepoNotFound")
        if how == "redirect":
            return self.answer(307 if count[key] % 2 else 302, b"x" * 500, Location=f"/cdn/{repo}/{name}", ETag='"of-the-redirect"')
        if how == "away":
            return self.answer(302, Location=f"http://192.0.2.1/{name}")
        if how == "file":
            return self.answer(302, Location="file:///etc/passwd")
        if how == "loop":
            return self.answer(302, Location=self.path)
        if how == "down":
            return self.answer(302, Location=f"http://127.0.0.1:1/{name}")
        body = open(path, "rb").read()
        tag = '"' + hashlib.sha1(body).hexdigest() + '"'
        big = name == "model.safetensors"
        if how == "busy" and count[key] <= 2:
            return self.answer(429 if count[key] == 1 else 503, b"", Retry_After="1")
        if how == "busylong":
            return self.answer(503, b"", Retry_After="3600")
        if how == "broken":
            return self.answer(500, b"oops")
        if how == "page":  # an error page that never ends
            self.note(404)
            self.send_response(404)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"not found " * 1000)
            except OSError:
                return
        if how == "lie" and big:
            body = body[:-1] + bytes([body[-1] ^ 1])
        if how == "endless" and big:
            self.note(200)
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
            except OSError:
                return
        if how == "retag":
            tag = f'"{count[key]}"'
        first, wanted = 0, self.headers.get("Range")
        if wanted and not how.startswith("norange") and self.headers.get("If-Range") in (None, tag):
            first = int(wanted[len("bytes="):-1])
            if how == "unsatisfied" or first >= len(body):
                return self.answer(416, Content_Range=f"bytes */{len(body)}")
        status, rest, headers = 200, body, {"ETag": tag}
        if how != "mute":
            headers["X-Repo-Commit"] = COMMIT
        if first:
            status, rest = 206, body[first:]
            shown = first + 5 if how == "wrongrange" else first
            headers["Content-Range"] = f"bytes {shown}-{len(body) - 1}/{len(body)}"
        if big and how in ("cut", "norangecut"):
            return self.cut(status, rest, 100000, **headers)
        if big and how in ("dead", "retag", "unsatisfied", "wrongrange", "norange") and count[key] == 1:
            return self.cut(status, rest, 100000, **headers)
        if big and how == "dead":
            return self.cut(status, rest, 0, **headers)
        if big and how == "stall":
            return self.cut(status, rest, 5000 if count[key] == 1 else 0, pause=8, **headers)
        if big and how == "short":  # ends early, and says that this is all
            rest = rest[:-1000]
        if big and (how == "trickle" or how == "slow" and count[key] == 1):
            self.note(status)
            self.send_response(status)
            for k, v in headers.items():
                self.send_header(k, v)
            self.send_header("Content-Length", str(len(rest)))
            self.end_headers()
            for i in range(0, len(rest), 20000):
                self.wfile.write(rest[i:i + 20000])
                time.sleep(0.2)
            return
        self.answer(status, rest, **headers)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3], sys.argv[4])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
