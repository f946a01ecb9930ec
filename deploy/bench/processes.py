"""Starting and stopping what a run needs, pinned to its cores, and waiting for ports."""

import os
import resource
import signal
import socket
import subprocess
import time

import ground

_started = []


def spawn(command, cores, **options):
    """Starts a command in a session of its own, on the given cores."""

    def settle():
        os.setsid()
        if ground.Mode.pin:
            os.sched_setaffinity(0, cores)

    process = subprocess.Popen(command, preexec_fn=settle, **options)
    _started.append(process)
    return process


def stop(process, grace=3.0):
    """Asks a process to end, then makes it; its children go with it. Only what `spawn` started comes here."""
    if process is None:
        return
    for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, 5)):
        if process.poll() is None:
            _signal(process, number)
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                pass
    _signal(process, signal.SIGKILL)  # what of the group outlived its leader
    if process in _started:
        _started.remove(process)


def _signal(process, number):
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def stop_all():
    """Ends whatever still runs."""
    for process in list(_started):
        stop(process, 0.5)


def wait_port(port, process=None, patience=15):
    """True once something listens on the port; false when the process ended or time is up."""
    end = time.time() + patience
    while time.time() < end:
        if process is not None and process.poll() is not None:
            return False
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False


def wait_free(port, patience=10):
    """True once the port can be listened on."""
    end = time.time() + patience
    while time.time() < end:
        with socket.socket() as probe:
            try:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
                return True
            except OSError:
                time.sleep(0.1)
    return False


def descriptors():
    """Raises the limit of open files as far as it goes, and tells it."""
    for wanted in (65536, resource.getrlimit(resource.RLIMIT_NOFILE)[1]):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            break
        except (ValueError, OSError):
            continue
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
