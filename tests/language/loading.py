"""Programs that call every subroutine, for verifiers to judge at any strsize."""

from __future__ import annotations

# Parts of one clause; each stands in a program of its own.
PARTS: dict[str, str] = {
    "paths": 'printf("%s %s %s", basename(s), dirname(s), cleanpath(s));',
    "search": (
        'printf("%d %d %s %s %s", index(s, "c"), rindex(s, "c"), strstr(s, t), strchr(s, 99),'
        " strrchr(s, 99));"
        'printf("%d %d", index(s, t, n), rindex(s, t, n));'
    ),
    "pieces": (
        'printf("%s %s", substr(s, n), substr(s, n, -n));'
        'printf("%s %s", strtok(s, ","), strtok(NULL, t));'
        'printf("%s %s %s %d", strjoin(s, t), toupper(s), tolower(t), strlen(s));'
    ),
    "numbers": (
        'printf("%s %s %d %d", lltostr(n), lltostr(n, 16), strtoll(s), strtoll(t, 36));'
        'printf("%d %d %d", htons(n), htonl(n), htonll(n));'
        'printf("%d %d %d", ntohs(n), ntohl(n), ntohll(n));'
        'printf("%d %d %d %d", getmajor(n), getminor(n), progenyof(n), rand());'
    ),
    "memory": (
        "this->p = alloca(n); this->q = copyin(arg0, n); copyinto(arg0, n, this->p);"
        'bcopy(this->q, this->p, n); printf("%s %s", copyinstr(arg0), copyinstr(arg0, n));'
        "u = copyinstr(arg0);"
    ),
    "addresses": (
        'printf("%s %s", inet_ntoa((void *)arg0), inet_ntoa6((void *)arg0));'
        'printf("%s %s", inet_ntop(n, (void *)arg0), link_ntop(n, (void *)arg0));'
    ),
    "json": 'printf("%s %s", json(s, t), json(s, "a.b[1]"));',
    "locks": (
        "this->m = (struct mutex *)arg0;"
        'printf("%d %d", mutex_owned(this->m), mutex_owner(this->m) == NULL);'
        'printf("%d %d", mutex_type_adaptive(this->m), mutex_type_spin(this->m));'
        'printf("%d %d", rw_iswriter((rwlock_t *)arg0), rw_read_held((rwlock_t *)arg0));'
        'printf("%d", rw_write_held((struct rw_semaphore *)arg0));'
    ),
    "files": 'printf("%s %d", d_path(&curthread->fs->pwd), speculation());',
}


def program(names: tuple[str, ...]) -> str:
    """It never fires: what is in question is whether it loads."""
    clauses = [f"syscall::getppid:entry {{ {PARTS[name]} }}" for name in names]
    return "\n".join(['BEGIN { s = ""; t = ""; n = 0; u = ""; exit(0); }', *clauses])


# Few parts go together, so that a program stays of a usual size.
PROGRAMS: dict[str, str] = {
    "+".join(names): program(names)
    for names in (
        ("paths", "search"),
        ("pieces", "numbers"),
        ("memory", "addresses", "locks"),
        ("json", "files"),
    )
}
SIZES = (64, 256, 4096)
