/*
 * posthorn/by_systemd.c - starts the installed suite as its unit, where systemd runs the host.
 *
 * Runs systemctl with fixed arguments, as root.
 */
#include "posthorn/by_systemd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/mem.h"

#define UNIT "posthorn.service"
#define BOOTED "/run/systemd/system" /* there if systemd is the first process: sd_booted(3) */
#define NO_SUCH_UNIT 5               /* systemctl's exit status: "program is not installed" */

/* Is there a unit beside the programs, PREFIX/lib/systemd/system, as `make install` puts it? */
static bool
has_unit(const struct instance *inst)
{
    static const char below[] = "/libexec/posthorn";
    size_t len = strlen(inst->libexec);
    char *path;
    bool found;

    if (!slice_ends(slice_of(inst->libexec), SLICE(below)))
        return false;
    path = xasprintf("%.*s/lib/systemd/system/" UNIT, (int)(len - strlen(below)), inst->libexec);
    found = access(path, F_OK) == 0;
    free(path);
    return found;
}

static _Noreturn void
become_systemctl(void)
{
    static const char *const places[] = {"/usr/bin/systemctl", "/bin/systemctl"};
    char *const argv[] = {(char *)(uintptr_t) "systemctl", (char *)(uintptr_t) "start",
                          (char *)(uintptr_t)UNIT, NULL};

    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        (void)execv(places[i], argv);
    _exit(NO_SUCH_UNIT);
}

bool
by_systemd(const struct cli *cli)
{
    return cli->inst.root == NULL && geteuid() == 0 && access(BOOTED, F_OK) == 0 &&
           has_unit(&cli->inst);
}

enum by_systemd_result
by_systemd_start(const struct cli *cli)
{
    int status = 0;
    pid_t child;

    if (!by_systemd(cli))
        return BY_SYSTEMD_NOT;
    child = fork();
    if (child == 0)
        become_systemctl();
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return BY_SYSTEMD_STARTED;
    if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == NO_SUCH_UNIT)
        return BY_SYSTEMD_NOT;
    (void)cli_fail(cli, "systemd did not start it; see 'journalctl -u posthorn'");
    return BY_SYSTEMD_FAILED;
}
