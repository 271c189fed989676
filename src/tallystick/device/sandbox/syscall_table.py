"""Numbers of Linux system calls, for the two architectures that the sandbox knows.

The allow lists and the self-test name calls; this is where a name becomes a number. A test compares every entry with
libseccomp where that is installed. None: the architecture has no such call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["AARCH64", "ARCHITECTURES", "NUMBERS", "X86_64", "Architecture", "architecture"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """One kind of machine: its name as uname says it, its AUDIT_ARCH value, and from where on numbers are of another ABI."""

    name: str
    audit: int
    column: int
    #: numbers at and above it belong to another calling convention (x32); 0 if there is none
    ceiling: int = 0

    def number(self, call: str) -> int | None:
        """Return the number of `call`, or None where the architecture does not have it."""
        return NUMBERS[call][self.column]


X86_64 = Architecture(name="x86_64", audit=0xC000003E, column=0, ceiling=0x4000_0000)
AARCH64 = Architecture(name="aarch64", audit=0xC00000B7, column=1)
ARCHITECTURES = (X86_64, AARCH64)


def architecture(machine: str) -> Architecture | None:
    """Return the architecture that uname calls `machine`, or None for one that is not known here."""
    return next((one for one in ARCHITECTURES if one.name == machine), None)


#: by name: the number on x86-64 and on aarch64
NUMBERS: Mapping[str, tuple[int | None, int | None]] = MappingProxyType(
    {
        # descriptors that are open already
        "read": (0, 63),
        "write": (1, 64),
        "close": (3, 57),
        "fstat": (5, 80),
        "lseek": (8, 62),
        "pread64": (17, 67),
        "pwrite64": (18, 68),
        "fsync": (74, 82),
        "fdatasync": (75, 83),
        "ftruncate": (77, 46),
        "poll": (7, None),
        "ppoll": (271, 73),
        "epoll_create1": (291, 20),
        "epoll_ctl": (233, 21),
        "epoll_wait": (232, None),
        "epoll_pwait": (281, 22),
        "ioctl": (16, 29),
        "fcntl": (72, 25),
        "dup": (32, 23),
        "dup2": (33, None),
        "dup3": (292, 24),
        "splice": (275, 76),
        "vmsplice": (278, 75),
        "tee": (276, 77),
        "sendfile": (40, 71),
        "copy_file_range": (326, 285),
        # files
        "open": (2, None),
        "openat": (257, 56),
        "openat2": (437, 437),
        "creat": (85, None),
        "open_by_handle_at": (304, 265),
        "name_to_handle_at": (303, 264),
        "open_tree": (428, 428),
        "stat": (4, None),
        "newfstatat": (262, 79),
        "statx": (332, 291),
        "faccessat": (269, 48),
        "readlinkat": (267, 78),
        "getdents64": (217, 61),
        "getcwd": (79, 17),
        "chdir": (80, 49),
        "chroot": (161, 51),
        "mkdirat": (258, 34),
        "mknodat": (259, 33),
        "unlinkat": (263, 35),
        "renameat2": (316, 276),
        "linkat": (265, 37),
        "symlinkat": (266, 36),
        "fchmodat": (268, 53),
        "chmod": (90, None),
        "fchmod": (91, 52),
        "chown": (92, None),
        "lchown": (94, None),
        "fchown": (93, 55),
        "fchownat": (260, 54),
        "utimensat": (280, 88),
        "setxattr": (188, 5),
        "fsetxattr": (190, 7),
        "truncate": (76, 45),
        "inotify_init1": (294, 26),
        "fanotify_init": (300, 262),
        "mount": (165, 40),
        "umount2": (166, 39),
        "pivot_root": (155, 41),
        "fsopen": (430, 430),
        "move_mount": (429, 429),
        "swapon": (167, 224),
        # new descriptors out of nothing
        "pipe2": (293, 59),
        "eventfd2": (290, 19),
        "signalfd4": (289, 74),
        "timerfd_create": (283, 85),
        "memfd_create": (319, 279),
        "memfd_secret": (447, 447),
        "userfaultfd": (323, 282),
        "perf_event_open": (298, 241),
        "bpf": (321, 280),
        "io_uring_setup": (425, 425),
        "io_uring_enter": (426, 426),
        "io_uring_register": (427, 427),
        # sockets
        "socket": (41, 198),
        "socketpair": (53, 199),
        "bind": (49, 200),
        "listen": (50, 201),
        "accept": (43, 202),
        "accept4": (288, 242),
        "connect": (42, 203),
        "getsockname": (51, 204),
        "getpeername": (52, 205),
        "sendto": (44, 206),
        "recvfrom": (45, 207),
        "setsockopt": (54, 208),
        "getsockopt": (55, 209),
        "shutdown": (48, 210),
        "sendmsg": (46, 211),
        "recvmsg": (47, 212),
        "recvmmsg": (299, 243),
        "sendmmsg": (307, 269),
        # memory
        "mmap": (9, 222),
        "mprotect": (10, 226),
        "munmap": (11, 215),
        "mremap": (25, 216),
        "brk": (12, 214),
        "madvise": (28, 233),
        "pkey_mprotect": (329, 288),
        "remap_file_pages": (216, 234),
        "shmget": (29, 194),
        "shmat": (30, 196),
        "process_madvise": (440, 440),
        "mlock": (149, 228),
        "munlock": (150, 229),
        # time, signals to oneself, randomness, the end
        "rt_sigaction": (13, 134),
        "rt_sigprocmask": (14, 135),
        "rt_sigreturn": (15, 139),
        "restart_syscall": (219, 128),
        "futex": (202, 98),
        "sched_yield": (24, 124),
        "getpid": (39, 172),
        "gettid": (186, 178),
        "clock_gettime": (228, 113),
        "clock_nanosleep": (230, 115),
        "getrandom": (318, 278),
        "exit": (60, 93),
        "exit_group": (231, 94),
        # processes
        "execve": (59, 221),
        "execveat": (322, 281),
        "fork": (57, None),
        "vfork": (58, None),
        "clone": (56, 220),
        "clone3": (435, 435),
        "kill": (62, 129),
        "tkill": (200, 130),
        "tgkill": (234, 131),
        "rt_sigqueueinfo": (129, 138),
        "pidfd_open": (434, 434),
        "pidfd_getfd": (438, 438),
        "pidfd_send_signal": (424, 424),
        "ptrace": (101, 117),
        "process_vm_readv": (310, 270),
        "process_vm_writev": (311, 271),
        "kcmp": (312, 272),
        "mq_open": (240, 180),
        "msgget": (68, 186),
        "semget": (64, 190),
        # rights and limits
        "prctl": (157, 167),
        "seccomp": (317, 277),
        "arch_prctl": (158, None),
        "personality": (135, 92),
        "capset": (126, 91),
        "setuid": (105, 146),
        "setgroups": (116, 159),
        "setsid": (112, 157),
        "setrlimit": (160, 164),
        "prlimit64": (302, 261),
        "setpriority": (141, 140),
        "sched_setaffinity": (203, 122),
        "unshare": (272, 97),
        "setns": (308, 268),
        "keyctl": (250, 219),
        "add_key": (248, 217),
        "request_key": (249, 218),
        "landlock_create_ruleset": (444, 444),
        "landlock_add_rule": (445, 445),
        "landlock_restrict_self": (446, 446),
        "init_module": (175, 105),
        "finit_module": (313, 273),
        "kexec_load": (246, 104),
        "kexec_file_load": (320, 294),
        "delete_module": (176, 106),
        "reboot": (169, 142),
        "syslog": (103, 116),
        "settimeofday": (164, 170),
        "clock_settime": (227, 112),
        "modify_ldt": (154, None),
        "iopl": (172, None),
    }
)
