"""The default seccomp profile as data: which system calls a container may make, by subject, by capability and by machine.

It has the same effect as the default of moby's profiles module in 2026. The rule behind it: what an ordinary program needs is allowed.
What administers the host is allowed to whoever has the capability for it. The rest is refused with EPERM, above all what is not
namespaced (keyrings, swap, kexec, clocks, modules) or has a history of holes (userfaultfd, io_uring, bpf).
The calls of 32-bit programs and of other machines are here too, because the filter also covers i386, x32 and arm programs.
"""

from __future__ import annotations

# Every container may make these calls.
ALWAYS = """
    open openat openat2 creat close close_range read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2
    lseek _llseek dup dup2 dup3 fcntl fcntl64 ioctl flock pipe pipe2 splice tee vmsplice sendfile sendfile64 copy_file_range
    fsync fdatasync sync syncfs sync_file_range readahead fadvise64 fadvise64_64 fallocate truncate truncate64 ftruncate ftruncate64

    access faccessat faccessat2 stat stat64 lstat lstat64 fstat fstat64 fstatat64 newfstatat statx
    statfs statfs64 fstatfs fstatfs64 getdents getdents64 readlink readlinkat getcwd chdir fchdir umask
    link linkat unlink unlinkat symlink symlinkat rename renameat renameat2 mkdir mkdirat rmdir mknod mknodat
    chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32 fchownat lchown lchown32
    utime utimes futimesat utimensat utimensat_time64
    name_to_handle_at cachestat statmount listmount

    getxattr getxattrat lgetxattr fgetxattr setxattr setxattrat lsetxattr fsetxattr
    listxattr listxattrat llistxattr flistxattr removexattr removexattrat lremovexattr fremovexattr

    inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_mark
    select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64 eventfd eventfd2 signalfd signalfd4
    epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2
    io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents io_pgetevents_time64

    brk mmap mmap2 munmap mremap mprotect madvise mincore msync mlock mlock2 mlockall munlock munlockall
    remap_file_pages memfd_create memfd_secret membarrier map_shadow_stack mseal pkey_alloc pkey_free pkey_mprotect

    fork vfork execve execveat exit exit_group wait4 waitid waitpid kill tkill tgkill pidfd_open pidfd_send_signal process_mrelease
    getpid getppid gettid getpgid getpgrp setpgid getsid setsid set_tid_address set_robust_list get_robust_list
    set_thread_area get_thread_area prctl rseq restart_syscall uname sysinfo getrandom getcpu uretprobe riscv_hwprobe
    futex futex_time64 futex_wait futex_waitv futex_wake futex_requeue

    rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64
    rt_tgsigqueueinfo sigaltstack sigprocmask sigreturn pause alarm

    getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid getresuid32 getresgid getresgid32
    setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32 setresuid setresuid32 setresgid setresgid32
    setfsuid setfsuid32 setfsgid setfsgid32 getgroups getgroups32 setgroups setgroups32 capget capset

    getrlimit ugetrlimit setrlimit prlimit64 getrusage times getpriority setpriority ioprio_get ioprio_set
    sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam sched_setparam sched_getscheduler sched_setscheduler
    sched_get_priority_max sched_get_priority_min sched_rr_get_interval sched_rr_get_interval_time64 sched_yield

    time gettimeofday clock_gettime clock_gettime64 clock_getres clock_getres_time64 nanosleep clock_nanosleep clock_nanosleep_time64
    adjtimex clock_adjtime clock_adjtime64 getitimer setitimer
    timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64
    timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64

    socketcall socketpair bind connect listen accept accept4 shutdown getsockname getpeername getsockopt setsockopt
    send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64

    ipc msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget
    mq_open mq_unlink mq_getsetattr mq_notify mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64

    seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self
"""

# Before Linux 4.8 a tracer could change a call after seccomp had looked at it.
PTRACE_KERNEL = (4, 8)
PTRACE = "ptrace process_vm_readv process_vm_writev"

# A container that has the capability may also make these calls.
BY_CAPABILITY = {
    "CAP_DAC_READ_SEARCH": "open_by_handle_at",
    "CAP_SYS_ADMIN": """
        mount umount umount2 mount_setattr move_mount open_tree fsopen fsconfig fsmount fspick quotactl quotactl_fd
        clone clone3 unshare setns sethostname setdomainname bpf perf_event_open fanotify_init lookup_dcookie syslog
        lsm_get_self_attr lsm_set_self_attr lsm_list_modules
    """,
    "CAP_SYS_BOOT": "reboot",
    "CAP_SYS_CHROOT": "chroot",
    "CAP_SYS_MODULE": "init_module finit_module delete_module",
    "CAP_SYS_PACCT": "acct",
    "CAP_SYS_PTRACE": f"{PTRACE} kcmp pidfd_getfd process_madvise",
    "CAP_SYS_RAWIO": "ioperm iopl",
    "CAP_SYS_TIME": "settimeofday stime clock_settime clock_settime64",
    "CAP_SYS_TTY_CONFIG": "vhangup",
    "CAP_SYS_NICE": "mbind get_mempolicy set_mempolicy set_mempolicy_home_node",
    "CAP_SYSLOG": "syslog",
    "CAP_BPF": "bpf",
    "CAP_PERFMON": "perf_event_open",
}

# By the machine that uname(2) names: the calls that only this machine has, and those that its C library cannot do without.
BY_MACHINE = {
    "x86_64": "arch_prctl modify_ldt",
    "i686": "modify_ldt",
    "aarch64": "arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls",
    "armv7l": "arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls",
    "ppc64le": "sync_file_range2 swapcontext",
    "s390x": "s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr",
    "riscv64": "riscv_flush_icache",
}

# The architectures whose programs a kernel of this machine runs, in the specification's names. Without an entry: only the native one.
ARCHITECTURES = {
    "x86_64": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
    "aarch64": ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
    "s390x": ["SCMP_ARCH_S390X", "SCMP_ARCH_S390"],
    "riscv64": ["SCMP_ARCH_RISCV64"],
    "loongarch64": ["SCMP_ARCH_LOONGARCH64"],
}

# The address families below AF_MAX that socket(2) refuses. What socketcall(2) is given lies in memory, where no filter can see it.
AF_MAX = 46
REFUSED_FAMILIES = {
    12: "AF_DECnet: removed in Linux 6.1, had holes before",
    19: "AF_ECONET: removed in Linux 3.5",
    20: "AF_ATMSVC: on its way out of the kernel",
    23: "AF_IRDA: removed in Linux 4.17",
    25: "AF_WANPIPE: never in use",
    34: "AF_ISDN: on its way out of the kernel",
    37: "AF_CAIF: on its way out of the kernel",
    38: "AF_ALG: the kernel's cryptography, much attack surface for little use",
    40: "AF_VSOCK: not namespaced, so it reaches the hypervisor's other guests",
}

# What personality(2) may be given: PER_LINUX and PER_LINUX32, each also with UNAME26, and 0xffffffff, which only asks.
PERSONALITIES = (0x0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)

# Without CAP_SYS_ADMIN, clone(2) may have none of CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
CLONE_NAMESPACES = 0x7E020000
