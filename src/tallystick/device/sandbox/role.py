"""What each kind of process may do: its system calls and its limits. Everything begins at nothing and is granted by list.

No confined role may open, connect, start or signal anything. What a process needs beyond computing it has been given as an
open descriptor before it was locked (secure-world 4.2, 4.4). The Secure World is the exception: it starts the others and
writes the flash, so it gives away what it never needs instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique

__all__ = ["Condition", "Limits", "Profile", "Role", "Rule", "profile"]

_PROT_EXEC = 4
_MSG_FASTOPEN = 0x2000_0000
_FIONBIO = 0x5421
_IPPROTO_TCP, _TCP_NODELAY = 6, 1
_INT = 0xFFFF_FFFF
_CLONE_THREAD = 0x10000
_AF_INET = 2
_MIB = 1 << 20


@unique
class Role(Enum):
    """Who is locked in."""

    #: one app: one link to the OS, and computing
    APP = "app"
    #: the processors of many embedded devices' native apps: as an app, and its memory may be run
    ENGINE = "engine"
    #: the Normal World: listening sockets made before, a link, an event loop
    NORMAL = "normal"
    #: the process that holds the seed while unlocked: one link
    KEYSTORE = "keystore"
    #: the simulated chip: one link, and the files of its key and counters, opened before
    CHIP = "chip"
    #: the Secure World: it starts programs and keeps files, and has no need to reach out otherwise
    SECURE = "secure"
    #: the front panel: a web server with threads, on a listening socket made before; its way to the device is one TCP port
    PANEL = "panel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """The low 32 bits of the argument with this index, masked, must be `value`."""

    argument: int
    mask: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A call that may be made, if all conditions hold; one that may not, where the profile is permissive and it has none."""

    call: str
    conditions: tuple[Condition, ...] = ()
    #: in a permissive profile: refused as if this kernel did not have it
    is_absent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Resource limits; None leaves one as it is. `descriptors` limits new ones, those that are open stay open."""

    memory_bytes: int | None
    descriptors: int | None = 0
    file_bytes: int | None = 0
    processes: int | None = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """All of a role: what it may call and nothing else, or, when `is_permissive`, what it may not call of everything."""

    rules: tuple[Rule, ...]
    limits: Limits
    is_permissive: bool = False


def _not_executable(call: str) -> Rule:
    return Rule(call=call, conditions=(Condition(argument=2, mask=_PROT_EXEC, value=0),))


def _no_fast_open(call: str, flags: int) -> Rule:
    """Let `call` send, but not connect: MSG_FASTOPEN does, on a socket that was shut down, past some versions of Landlock."""
    return Rule(call=call, conditions=(Condition(argument=flags, mask=_MSG_FASTOPEN, value=0),))


#: computing, memory without code, time, randomness, speaking on what is open, ending
_COMMON = (
    *(Rule(call=call) for call in ("read", "write", "close", "fstat", "lseek", "recvfrom")),
    # whoever shows a socket, and be it in a warning that it was not closed, asks for its names
    *(Rule(call=call) for call in ("getsockname", "getpeername")),
    _no_fast_open("sendto", 3),
    _not_executable("mmap"),
    _not_executable("mprotect"),
    *(Rule(call=call) for call in ("munmap", "mremap", "brk", "madvise")),
    *(Rule(call=call) for call in ("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "restart_syscall")),
    *(Rule(call=call) for call in ("futex", "sched_yield", "getpid", "gettid", "poll", "ppoll")),
    *(Rule(call=call) for call in ("clock_gettime", "clock_nanosleep", "getrandom", "exit", "exit_group")),
)
#: the same, with memory that may be run: it translates code
_TRANSLATOR = (
    *(rule for rule in _COMMON if rule.call not in {"mmap", "mprotect"}),
    *(Rule(call=call) for call in ("mmap", "mprotect")),
)
#: an event loop over sockets that somebody else made; no shutdown: it would turn a listening socket into one that can connect
_ENDPOINT = (
    *(Rule(call=call) for call in ("accept4", "epoll_ctl", "epoll_wait", "epoll_pwait")),
    _no_fast_open("sendmsg", 2),
    Rule(call="ioctl", conditions=(Condition(argument=1, mask=_INT, value=_FIONBIO),)),
    Rule(
        call="setsockopt",
        conditions=(
            Condition(argument=1, mask=_INT, value=_IPPROTO_TCP),
            Condition(argument=2, mask=_INT, value=_TCP_NODELAY),
        ),
    ),
)
#: records in files that are open
_STORE = tuple(Rule(call=call) for call in ("pread64", "pwrite64", "fsync", "fdatasync", "ftruncate"))

#: what no process of the device ever needs: other processes' memory, the kernel itself, mounts, namespaces, keyrings
_NEVER = tuple(
    Rule(call=call)
    for call in (
        *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd"),
        *("bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register"),
        *("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon"),
        *("mount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen", "mknodat"),
        *("open_by_handle_at", "name_to_handle_at", "fanotify_init", "setns", "unshare", "personality"),
        *("keyctl", "add_key", "request_key", "shmget", "shmat", "msgget", "semget", "mq_open"),
        *("settimeofday", "clock_settime", "syslog", "iopl", "modify_ldt", "setuid", "setgroups"),
    )
)
#: what it has of sockets it was given, or makes in pairs; a Normal World that it starts listens on the one it is given
_NO_SOCKETS = tuple(Rule(call=call) for call in ("socket", "connect", "bind", "accept"))

#: no program is started and nobody is signalled; a thread may be
_ALONE = (
    *(Rule(call=call) for call in ("execve", "execveat", "fork", "vfork", "kill", "tkill", "rt_sigqueueinfo")),
    *(Rule(call=call) for call in ("pidfd_open", "pidfd_send_signal", "prctl", "seccomp", "setrlimit")),
    Rule(call="prlimit64", conditions=(Condition(argument=0, mask=_INT, value=0),)),  # its own
    Rule(call="clone", conditions=(Condition(argument=0, mask=_CLONE_THREAD, value=_CLONE_THREAD),)),
    Rule(call="clone3", is_absent=True),  # its flags are in memory, where a filter cannot look
)
#: what Landlock has no right for: nothing of a file that is there can be changed
_NO_MARKS = tuple(
    Rule(call=call)
    for call in (
        *("chmod", "fchmod", "fchmodat", "chown", "lchown", "fchown", "fchownat", "utimensat", "setxattr", "fsetxattr"),
        *("memfd_create", "memfd_secret", "inotify_init1"),
    )
)
#: TCP and nothing else, to where Landlock lets it
_TCP_CLIENT = (
    Rule(call="socket", conditions=(Condition(argument=0, mask=_INT, value=_AF_INET),)),
    Rule(call="bind"),
)

_PROFILES = {
    Role.APP: Profile(rules=_COMMON, limits=Limits(memory_bytes=512 * _MIB)),
    # each processor reserves addresses for translated code, and uses a small part of them
    Role.ENGINE: Profile(rules=_TRANSLATOR, limits=Limits(memory_bytes=65_536 * _MIB)),
    # one descriptor for each client, and some to spare for what was open before
    Role.NORMAL: Profile(rules=_COMMON + _ENDPOINT, limits=Limits(memory_bytes=512 * _MIB, descriptors=320)),
    Role.KEYSTORE: Profile(rules=_COMMON, limits=Limits(memory_bytes=1024 * _MIB)),
    Role.CHIP: Profile(rules=_COMMON + _STORE, limits=Limits(memory_bytes=512 * _MIB, file_bytes=_MIB)),
    Role.SECURE: Profile(
        rules=_NEVER + _NO_SOCKETS,
        limits=Limits(memory_bytes=None, descriptors=None, file_bytes=None, processes=None),
        is_permissive=True,
    ),
    Role.PANEL: Profile(
        rules=_NEVER + _ALONE + _NO_MARKS + _TCP_CLIENT,
        limits=Limits(memory_bytes=4096 * _MIB, descriptors=2048, file_bytes=None, processes=None),
        is_permissive=True,
    ),
}


def profile(role: Role) -> Profile:
    """Return what `role` may do."""
    return _PROFILES[role]
