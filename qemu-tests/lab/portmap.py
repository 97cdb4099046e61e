"""A portmapper that agrees to every registration, and does nothing else.

An NFS version 3 server wants to register with the portmapper on its machine's
local socket and ends when there is none.  Clients of the lab name the ports
themselves, so nobody ever asks; this keeps the real rpcbind, and the port 111
that it opens to the whole network, out of the tests.

Run as a program: portmap.py SOCKET, in the server's own mount namespace.
Messages are ONC RPC calls with record marking (RFC 5531): a 32-bit length with
the top bit set on the last fragment, then xid, 0 = call, ...
"""

import os
import socketserver
import struct
import sys


class Agree(socketserver.StreamRequestHandler):
    def handle(self):
        while len(head := self.rfile.read(4)) == 4:
            call = self.rfile.read(struct.unpack(">I", head)[0] & 0x7fffffff)
            xid = call[:4]
            # reply, accepted, no verifier, success; the result is TRUE
            reply = xid + struct.pack(">6I", 1, 0, 0, 0, 0, 1)
            self.wfile.write(struct.pack(">I", 0x80000000 | len(reply)) + reply)


class Portmapper(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


if __name__ == "__main__":
    with Portmapper(sys.argv[1], Agree) as server:
        if os.fork() == 0:
            server.serve_forever()
