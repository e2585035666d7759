"""A server of SFTP that asks for a password.

password_server.py FOLDER PORT password|questions
"""

import asyncio
import sys

import asyncssh

FOLDER, PORT, METHOD = sys.argv[1:]


class Server(asyncssh.SSHServer):
    def begin_auth(self, username):
        return True

    def password_auth_supported(self):
        return METHOD == "password"

    def validate_password(self, username, password):
        return (username, password) == ("hr", "correct horse")

    def kbdint_auth_supported(self):
        return METHOD == "questions"

    def get_kbdint_challenge(self, username, lang, submethods):
        return "Login", "", "en", [("Password: ", False)]

    def validate_kbdint_response(self, username, responses):
        return username == "hr" and list(responses) == ["correct horse"]


async def serve():
    server = await asyncssh.create_server(
        Server,
        "127.0.0.1",
        int(PORT),
        server_host_keys=[f"{FOLDER}/host"],
        sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=FOLDER),
    )
    await server.wait_closed()


asyncio.run(serve())
