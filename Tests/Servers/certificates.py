"""Certificates for tests, made by the openssl command.

  ca.crt                        the authority that the test servers' certificates come from
  server.crt, server.key        localhost and 127.0.0.1; server.pem holds both
  client.crt, client.key        for clients, CN=app; client.pem holds both
  wrong-name.crt, .key, .pem    from the same authority, but for example.invalid
  expired.crt, .key, .pem       as server, but its time is over
  other-ca.crt                  an authority that signed nothing
"""

import os

from common import program, run

LOCAL = "DNS:localhost,IP:127.0.0.1"


def add_arguments(parser):
    parser.add_argument("folder")


def main(options):
    make(options.folder)
    return {"folder": os.path.abspath(options.folder)}


def make(folder):
    """Writes all files, some 0.3 s."""
    os.makedirs(folder, exist_ok=True)
    openssl = program("openssl")

    def path(name):
        return os.path.join(folder, name)

    def new_key(name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", path(name + ".key")]

    def authority(name, subject):
        run([openssl, "req", "-x509", *new_key(name), "-days", "3650", "-out", path(name + ".crt"),
             "-subj", f"/CN={subject}", "-addext", "basicConstraints=critical,CA:TRUE",
             "-addext", "keyUsage=critical,keyCertSign,cRLSign"])

    def certificate(name, subject, names, purpose, days="3650"):
        run([openssl, "req", *new_key(name), "-out", path(name + ".csr"), "-subj", f"/CN={subject}"])
        with open(path(name + ".ext"), "w") as file:
            file.write(f"basicConstraints=CA:FALSE\nsubjectAltName={names}\nextendedKeyUsage={purpose}\n"
                       "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
        run([openssl, "x509", "-req", "-in", path(name + ".csr"), "-CA", path("ca.crt"), "-CAkey", path("ca.key"),
             "-CAcreateserial", "-days", days, "-extfile", path(name + ".ext"), "-out", path(name + ".crt")])
        with open(path(name + ".pem"), "w") as both:
            for part in (".key", ".crt"):
                with open(path(name + part)) as file:
                    both.write(file.read())
        os.chmod(path(name + ".pem"), 0o600)
        os.remove(path(name + ".csr"))
        os.remove(path(name + ".ext"))

    authority("ca", "Pump test authority")
    authority("other-ca", "Pump other test authority")
    certificate("server", "localhost", LOCAL, "serverAuth")
    certificate("client", "app", "DNS:app", "clientAuth")
    certificate("wrong-name", "example.invalid", "DNS:example.invalid", "serverAuth")
    certificate("expired", "localhost", LOCAL, "serverAuth", days="-1")
