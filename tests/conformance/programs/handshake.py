# A TLS handshake of a client and a server in one process, without certificates and without a network, and one message.
import ssl


def context(protocol):
    made = ssl.SSLContext(protocol)
    if protocol == ssl.PROTOCOL_TLS_CLIENT:
        made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.maximum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers("AECDH-AES128-SHA:@SECLEVEL=0")
    return made


to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
client = context(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(to_client, to_server)
server = context(ssl.PROTOCOL_TLS_SERVER).wrap_bio(to_server, to_client, server_side=True)
for side in (client, server) * 3:
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        pass
client.write(b"GET /secret")
server.read(100)
client.write(b"bye")
