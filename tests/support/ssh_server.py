"""Linux boards to be reached over ssh on this computer: the real OpenSSH server, and one in Python that can misbehave.

Both have keys of their own and know one user's key; a wrapper of the real `ssh` makes the client use that key and a
list of known hosts of its own. A board's programs run below ``home``; ``emulator`` runs those of another processor.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import shlex
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import asyncssh

_CONFIG = """\
Host *
  IdentityFile {folder}/user
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known_hosts
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking accept-new
"""
_SSHD = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PidFile none
ForceCommand {folder}/shell
"""
_SHELL = """\
#!/bin/sh
cd {home} || exit 1
echo a greeting of the login shell
exec sh -c "$(printf %s "$SSH_ORIGINAL_COMMAND" | sed 's|"$1"; exit|{emulator} "$1"; exit|')"
"""
_PRIVILEGE_SEPARATION = Path("/run/sshd")


class Client:
    """The keys, and the wrapper of ``ssh`` in ``folder``, which belongs at the head of PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("user", "host", "other"):
            subprocess.run(
                [shutil.which("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True
            )
        (folder / "config").write_text(_CONFIG.format(folder=folder))
        (folder / "known_hosts").write_text("")
        program = folder / "ssh"
        program.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder}/config "$@"\n')
        program.chmod(0o755)

    def know(self, port: int, key: str = "host") -> None:
        """Take a host key for known: the server's, or another."""
        words = (self.folder / f"{key}.pub").read_text().split()
        (self.folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {words[0]} {words[1]}\n")


class OpenSshd:
    """OpenSSH's server on a port of this computer, as the user who runs the tests."""

    def __init__(self, client: Client, home: Path, emulator: str = "") -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        folder = client.folder
        (folder / "sshd_config").write_text(_SSHD.format(port=self.port, folder=folder))
        shell = folder / "shell"
        shell.write_text(_SHELL.format(home=home, emulator=emulator))
        shell.chmod(0o755)
        if os.getuid() == 0:
            _PRIVILEGE_SEPARATION.mkdir(exist_ok=True)  # what Debian's service makes before it starts the server
        self.log = (folder / "sshd.log").open("w+b")
        self.process = subprocess.Popen(
            [shutil.which("sshd"), "-D", "-e", "-f", str(folder / "sshd_config")], stderr=self.log
        )
        self._wait_until_up()

    @property
    def url(self) -> str:
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}"

    def _wait_until_up(self) -> None:
        end = time.monotonic() + 20
        while time.monotonic() < end and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        self.log.seek(0)
        message = f"sshd does not start: {self.log.read().decode()}"
        raise RuntimeError(message)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()
        self.log.close()


class PythonSshd:
    """A server in this process. ``behave``, if set, is called with each session instead of running its command."""

    def __init__(self, client: Client, home: Path, behave=None) -> None:
        self.client, self.home, self.behave = client, home, behave
        self.commands: list[str] = []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.server = self._call(self._listen())
        self.port = self.server.get_port()
        self.url = f"ssh://somebody@127.0.0.1:{self.port}"

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    async def _listen(self):
        return await asyncssh.listen(
            "127.0.0.1", 0, server_host_keys=[str(self.client.folder / "host")], encoding=None,
            authorized_client_keys=str(self.client.folder / "user.pub"), process_factory=self._session,
        )  # fmt: skip

    async def _session(self, process) -> None:
        self.commands.append(process.command)
        if self.behave is not None:
            await self.behave(process)
            return
        pipe = asyncio.subprocess.PIPE
        run = await asyncio.create_subprocess_exec(
            *shlex.split(process.command), stdin=pipe, stdout=pipe, stderr=pipe, cwd=self.home
        )
        feeding = asyncio.ensure_future(self._pump(process.stdin, run.stdin))
        await asyncio.gather(self._pump(run.stdout, process.stdout), self._pump(run.stderr, process.stderr))
        code = await run.wait()
        feeding.cancel()
        process.exit(code if code >= 0 else 128 - code)

    @staticmethod
    async def _pump(source, sink) -> None:
        """Bytes from one to the other until the end; a program's input is then closed."""
        with contextlib.suppress(asyncssh.Error, ConnectionError, BrokenPipeError):
            while data := await source.read(65_536):
                sink.write(data)
                await sink.drain()
        if isinstance(sink, asyncio.StreamWriter):
            sink.close()

    async def _stop(self) -> None:
        self.server.close()
        await self.server.wait_closed()
        tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def close(self) -> None:
        self._call(self._stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()
