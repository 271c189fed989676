"""What a prisoner would try: the calls of the self-test, as data (secure-world 4.4 and the bypasses below it, and more).

Arguments are chosen so that a call which gets through does no harm: paths that do not exist, signal 0, empty structures.
Attempts that are `wild` would do harm to the process itself, and are never made without the filter.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import struct
from dataclasses import dataclass

__all__ = ["Attempt", "Surroundings", "attempts"]

_AT_FDCWD = -100
_NOWHERE = b"/nonexistent/tally"
_PAGE = 4096
_READ_WRITE_EXEC, _PRIVATE_ANONYMOUS = 7, 0x22
_CLONE_THREAD = 0x10F00
_CLONE_NEWUSER = 0x1000_0000
_PTRACE_SEIZE = 0x4206
_MSG_FASTOPEN = 0x2000_0000
_TCP_FASTOPEN_CONNECT = 30
_TIOCSTI, _FIOASYNC = 0x5412, 0x5452

Argument = int | ctypes.c_void_p | ctypes.Array[ctypes.c_char]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the prisoner has: the process above it, its link, another socket (a listening one, or the link), a page of memory."""

    parent: int
    link: int
    listener: int
    page: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call to make. `forks` means that a call which gets through returns twice."""

    name: str
    call: str
    arguments: tuple[Argument, ...] = ()
    forks: bool = False
    wild: bool = False


def attempts(around: Surroundings) -> tuple[Attempt, ...]:
    """Return everything that is tried, what would change the process most at the end."""
    return (*_files(), *_descriptors(around), *_network(around), *_memory(around), *_others(around), *_system(around))


def _text(data: bytes) -> ctypes.Array[ctypes.c_char]:
    return ctypes.create_string_buffer(data)


def _files() -> list[Attempt]:
    nowhere, root, empty = _text(_NOWHERE), _text(b"/"), _text(bytes(256))
    how = _text(bytes(24))
    return [
        Attempt("open a file", "openat", (_AT_FDCWD, _text(b"/etc/passwd"), 0)),
        Attempt("open a file, the old way", "open", (_text(b"/etc/passwd"), 0)),
        Attempt("open a file, the newest way", "openat2", (_AT_FDCWD, _text(b"/etc/passwd"), how, 24)),
        Attempt("open a file by its handle", "open_by_handle_at", (_AT_FDCWD, empty, 0)),
        Attempt("ask for a file's handle", "name_to_handle_at", (_AT_FDCWD, nowhere, empty, empty, 0)),
        Attempt("open a folder", "openat", (_AT_FDCWD, root, os.O_DIRECTORY)),
        Attempt("open a mount", "open_tree", (_AT_FDCWD, nowhere, 0)),
        Attempt("create a file", "openat", (_AT_FDCWD, nowhere, os.O_CREAT | os.O_WRONLY, 0o600)),
        Attempt("create a file, the old way", "creat", (nowhere, 0o600)),
        Attempt("stat a file", "newfstatat", (_AT_FDCWD, _text(b"/etc/passwd"), empty, 0)),
        Attempt("stat a file, the old way", "stat", (_text(b"/etc/passwd"), empty)),
        Attempt("stat a file, the new way", "statx", (_AT_FDCWD, _text(b"/etc/passwd"), 0, 0x7FF, empty)),
        Attempt("ask for access", "faccessat", (_AT_FDCWD, nowhere, 0)),
        Attempt("read a link", "readlinkat", (_AT_FDCWD, nowhere, empty, 256)),
        Attempt("list a folder", "getdents64", (0, empty, 256)),
        Attempt("ask for the folder", "getcwd", (empty, 256)),
        Attempt("change the folder", "chdir", (nowhere,)),
        Attempt("make a folder", "mkdirat", (_AT_FDCWD, nowhere, 0o700)),
        Attempt("make a device", "mknodat", (_AT_FDCWD, nowhere, 0o20600, 0)),
        Attempt("delete a file", "unlinkat", (_AT_FDCWD, nowhere, 0)),
        Attempt("rename a file", "renameat2", (_AT_FDCWD, nowhere, _AT_FDCWD, nowhere, 0)),
        Attempt("link a file", "linkat", (_AT_FDCWD, nowhere, _AT_FDCWD, nowhere, 0)),
        Attempt("make a symbolic link", "symlinkat", (nowhere, _AT_FDCWD, nowhere)),
        Attempt("change rights of a file", "fchmodat", (_AT_FDCWD, nowhere, 0o777)),
        Attempt("cut a file", "truncate", (nowhere, 0)),
        Attempt("mount", "mount", (nowhere, nowhere, empty, 0, empty)),
        Attempt("mount, the new way", "fsopen", (nowhere, 0)),
        Attempt("unmount", "umount2", (nowhere, 0)),
        Attempt("change the root", "chroot", (nowhere,)),
        Attempt("swap the root", "pivot_root", (nowhere, nowhere)),
        Attempt("watch files", "inotify_init1", (0,)),
        Attempt("watch all files", "fanotify_init", (0, 0)),
    ]


def _descriptors(around: Surroundings) -> list[Attempt]:
    pair = _text(bytes(8))
    return [
        Attempt("copy a descriptor", "dup", (around.link,)),
        Attempt("copy a descriptor to a place", "dup2", (around.link, 40)),
        Attempt("copy a descriptor, the new way", "dup3", (around.link, 40, 0)),
        Attempt("copy a descriptor by fcntl", "fcntl", (around.link, 0, 0)),
        Attempt("ask for a descriptor's flags", "fcntl", (around.link, 3)),
        Attempt("own a descriptor's signals", "fcntl", (around.link, 8, around.parent)),
        Attempt("type into the terminal", "ioctl", (0, _TIOCSTI, pair)),
        Attempt("ask for signals on a descriptor", "ioctl", (around.link, _FIOASYNC, pair)),
        Attempt("make a pipe", "pipe2", (pair, 0)),
        Attempt("make an event", "eventfd2", (0, 0)),
        Attempt("make a timer", "timerfd_create", (1, 0)),
        Attempt("make a signal descriptor", "signalfd4", (-1, _text(bytes(8)), 8, 0)),
        Attempt("make an epoll", "epoll_create1", (0,)),
        Attempt("make a memory file", "memfd_create", (_text(b"probe"), 0)),
        Attempt("make a secret memory file", "memfd_secret", (0,)),
        Attempt("catch page faults", "userfaultfd", (0,)),
        Attempt("make an io_uring", "io_uring_setup", (1, _text(bytes(120)))),
        Attempt("enter an io_uring", "io_uring_enter", (around.link, 1, 0, 0)),
        Attempt("register at an io_uring", "io_uring_register", (around.link, 0, 0, 0)),
        Attempt("splice", "splice", (around.link, 0, around.link, 0, 1, 0)),
        Attempt("splice memory", "vmsplice", (around.link, 0, 0, 0)),
        Attempt("tee", "tee", (around.link, around.link, 1, 0)),
        Attempt("send a file", "sendfile", (around.link, around.link, 0, 1)),
        Attempt("copy between files", "copy_file_range", (around.link, 0, around.link, 0, 1, 0)),
    ]


def _network(around: Surroundings) -> list[Attempt]:
    tcp = _text(struct.pack("=HHI8x", socket.AF_INET, socket.htons(9), socket.htonl(0x7F000001)))
    abstract = _text(struct.pack("=H", socket.AF_UNIX) + b"\0tally-probe")
    byte = _text(b"x")
    vector = _text(struct.pack("=QQ", ctypes.addressof(byte), 1))
    header = _text(struct.pack("=QI4xQQQQi4x", ctypes.addressof(tcp), 16, ctypes.addressof(vector), 1, 0, 0, 0))
    door = around.listener
    is_link = door == around.link  # then what gets through would be heard as a report
    return [
        Attempt("make a TCP socket", "socket", (socket.AF_INET, socket.SOCK_STREAM, 0)),
        Attempt("make a UDP socket", "socket", (socket.AF_INET, socket.SOCK_DGRAM, 0)),
        Attempt("make a Unix socket", "socket", (socket.AF_UNIX, socket.SOCK_STREAM, 0)),
        Attempt("make a netlink socket", "socket", (16, socket.SOCK_RAW, 0)),
        Attempt("make a socket pair", "socketpair", (socket.AF_UNIX, socket.SOCK_STREAM, 0, _text(bytes(8)))),
        Attempt("connect to this machine by TCP", "connect", (door, tcp, 16)),
        Attempt("connect to an abstract socket", "connect", (door, abstract, 14)),
        Attempt("bind", "bind", (door, tcp, 16)),
        Attempt("listen", "listen", (door, 1)),
        Attempt("accept, the old way", "accept", (door, 0, 0)),
        Attempt("connect while sending", "sendto", (door, byte, 1, _MSG_FASTOPEN, tcp, 16), wild=is_link),
        Attempt("connect while sending a message", "sendmsg", (door, header, _MSG_FASTOPEN), wild=is_link),
        Attempt("send many messages", "sendmmsg", (door, header, 1, _MSG_FASTOPEN), wild=is_link),
        Attempt("receive a message", "recvmsg", (around.link, header, socket.MSG_DONTWAIT)),
        Attempt("receive many messages", "recvmmsg", (around.link, header, 1, socket.MSG_DONTWAIT, 0)),
        Attempt("stop listening", "shutdown", (door, socket.SHUT_RD), wild=True),
        Attempt("let sending connect", "setsockopt", (door, socket.IPPROTO_TCP, _TCP_FASTOPEN_CONNECT, byte, 4)),
        Attempt("ask for a socket's options", "getsockopt", (door, socket.SOL_SOCKET, socket.SO_TYPE, 0, 0)),
        Attempt("set a socket's options", "setsockopt", (door, socket.SOL_SOCKET, socket.SO_DEBUG, byte, 4)),
    ]


def _memory(around: Surroundings) -> list[Attempt]:
    page = around.page
    return [
        Attempt("map code", "mmap", (0, _PAGE, _READ_WRITE_EXEC, _PRIVATE_ANONYMOUS, -1, 0)),
        Attempt("map a file as code", "mmap", (0, _PAGE, 5, 2, 0, 0)),
        Attempt("turn data into code", "mprotect", (page, _PAGE, _READ_WRITE_EXEC)),
        Attempt("turn data into code by a key", "pkey_mprotect", (page, _PAGE, _READ_WRITE_EXEC, -1)),
        Attempt("shuffle pages", "remap_file_pages", (page, _PAGE, 0, 0, 0)),
        Attempt("make all data code", "personality", (0xFFFF_FFFF,)),
        Attempt("make shared memory", "shmget", (1, 0, 0)),
        Attempt("attach shared memory", "shmat", (-1, 0, 0)),
        Attempt("advise another's memory", "process_madvise", (around.link, 0, 0, 0, 0)),
        Attempt("move a segment", "arch_prctl", (0x1003, _text(bytes(8)))),
        Attempt("describe a segment", "modify_ldt", (0, _text(bytes(16)), 16)),
    ]


def _others(around: Surroundings) -> list[Attempt]:
    parent, nowhere, local = around.parent, _text(_NOWHERE), _text(bytes(16))
    null = ctypes.c_void_p(None)
    memory = _text(f"/proc/{parent}/mem".encode())
    return [
        Attempt("start a program", "execve", (nowhere, null, null)),
        Attempt("start a program, the new way", "execveat", (_AT_FDCWD, nowhere, null, null, 0)),
        Attempt("fork", "fork", forks=True),
        Attempt("clone", "clone", (signal.SIGCHLD, 0, 0, 0, 0), forks=True),
        Attempt("clone, the new way", "clone3", (_text(struct.pack("=32xQ24x", signal.SIGCHLD)), 64), forks=True),
        Attempt("fork and share", "vfork", forks=True, wild=True),
        Attempt("start a thread", "clone", (_CLONE_THREAD, 0, 0, 0, 0), forks=True, wild=True),
        Attempt("read the parent's memory", "process_vm_readv", (parent, local, 1, local, 1, 0)),
        Attempt("write the parent's memory", "process_vm_writev", (parent, local, 1, local, 1, 0)),
        Attempt("open the parent's memory", "openat", (_AT_FDCWD, memory, os.O_RDWR)),
        Attempt("trace the parent", "ptrace", (_PTRACE_SEIZE, parent, 0, 0), wild=True),
        Attempt("compare with the parent", "kcmp", (parent, parent, 0, 0, 0)),
        Attempt("signal the parent", "kill", (parent, 0)),
        Attempt("signal the parent's thread", "tgkill", (parent, parent, 0)),
        Attempt("signal a thread", "tkill", (parent, 0)),
        Attempt("signal everybody", "kill", (-1, 0)),
        Attempt("queue a signal", "rt_sigqueueinfo", (parent, 0, _text(bytes(128)))),
        Attempt("hold the parent", "pidfd_open", (parent, 0)),
        Attempt("take a descriptor of the parent", "pidfd_getfd", (around.link, 0, 0)),
        Attempt("signal by descriptor", "pidfd_send_signal", (around.link, 0, 0, 0)),
        Attempt("open a message queue", "mq_open", (_text(b"tally-probe"), 0, 0, 0)),
        Attempt("find a message queue", "msgget", (1, 0)),
        Attempt("find semaphores", "semget", (1, 0, 0)),
    ]


def _system(around: Surroundings) -> list[Attempt]:
    empty = _text(bytes(64))
    return [
        Attempt("become dumpable again", "prctl", (4, 1, 0, 0, 0)),
        Attempt("outlive the parent", "prctl", (1, 0, 0, 0, 0)),
        Attempt("put on another filter", "seccomp", (1, 0, 0)),
        Attempt("put on another filter, the old way", "prctl", (22, 2, 0, 0, 0)),
        Attempt("make a ruleset", "landlock_create_ruleset", (0, 0, 1)),
        Attempt("enter a ruleset", "landlock_restrict_self", (around.link, 0)),
        Attempt("read a limit", "prlimit64", (0, 7, 0, empty)),
        Attempt("lift the parent's limit", "prlimit64", (around.parent, 7, 0, empty)),
        Attempt("set a limit", "setrlimit", (7, 0)),
        Attempt("ask the keyring", "keyctl", (0, -1, 0)),
        Attempt("add a key", "add_key", (0, 0, 0, 0, 0)),
        Attempt("request a key", "request_key", (0, 0, 0, 0)),
        Attempt("load a program into the kernel", "bpf", (0, empty, 64)),
        Attempt("count events", "perf_event_open", (empty, 0, -1, -1, 0)),
        Attempt("load a module", "init_module", (0, 0, 0)),
        Attempt("load a module from a file", "finit_module", (around.link, 0, 0)),
        Attempt("load a kernel", "kexec_load", (0, 0, 0, 0xFFFF)),
        Attempt("restart the machine", "reboot", (0, 0, 0, 0)),
        Attempt("read the kernel's log", "syslog", (10, 0, 0)),
        Attempt("set the clock", "settimeofday", (0, 0)),
        Attempt("set a clock", "clock_settime", (99, 0)),
        Attempt("open ports of the machine", "iopl", (0,)),
        Attempt("go to another processor", "sched_setaffinity", (0, 0, 0)),
        Attempt("go first", "setpriority", (0, 0, 0)),
        Attempt("start a session", "setsid"),
        Attempt("gain capabilities", "capset", (0, 0)),
        Attempt("become another user", "setuid", (0,)),
        Attempt("leave all groups", "setgroups", (0, 0), wild=True),
        Attempt("enter a namespace", "setns", (around.link, 0)),
        Attempt("make a namespace", "unshare", (_CLONE_NEWUSER,), wild=True),
    ]
