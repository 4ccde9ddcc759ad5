/*
 * blockd/main.c - start-up of blockd: keeps the host's firewall as authd's blocks are
 * (guess.firewall).
 *
 * The one process of the suite with CAP_NET_ADMIN, and that in the network name space in which it
 * was started. It has its socket and the kernel's, no path, no way to connect anywhere, and no
 * parser but that of a list of addresses.
 */
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "blockd/service.h"
#include "lib/base/io.h"

#define ERRORS_MAX 65536

struct program {
    struct daemon d;
    bool relieved; /* another blockd has taken over: the table is its own */
};

static void
find_ports(const struct daemon *d, struct ports *ports)
{
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    struct services *services = services_load(d->inst.services_path, &errors);

    if (services == NULL) {
        (void)fprintf(stderr, "blockd: %s", strbuf_cstr(&errors));
        exit(EX_CONFIG);
    }
    ports_find(ports, services, d->conf);
    services_free(&services);
    strbuf_free(&errors);
}

static void
enter_sandbox(struct daemon *d, bool is_on)
{
    struct sandbox box = daemon_sandbox_base(d, USERS_BLOCK);

    box.calls = SANDBOX_ACCEPT;
    box.keep_caps = is_on ? 1ull << CAP_NET_ADMIN : 0;
    if (d->is_root) /* without it the sandbox says why it cannot be entered */
        box.chroot_fd = daemon_empty_dir(d);
    close_keep_errno(d->run_dirfd); /* it would lead out of there */
    d->run_dirfd = -1;
    daemon_sandbox(d, &box);
}

static void
hang_up(void *arg, int signo)
{
    struct program *program = arg;

    (void)signo;
    program->relieved = true;
    loop_stop(program->d.loop);
}

int
main(int argc, char **argv)
{
    static struct ports ports;
    struct program program = {0};
    struct daemon *d = &program.d;
    struct firewall *firewall;
    struct service *service;
    bool is_on;

    daemon_init(d, "blockd", argc, argv); /* options, log, config; exits on error */
    is_on = conf_bool(d->conf, GUESS_FIREWALL);
    find_ports(d, &ports); /* last use of a path */
    firewall = firewall_open(&ports);
    if (!is_on)
        (void)firewall_remove(firewall); /* one from before; without the right it ends by itself */
    service = service_listen(d, is_on ? firewall : NULL);
    loop_on_signal(d->loop, SIGHUP, hang_up, &program);
    enter_sandbox(d, is_on); /* user, Landlock, seccomp, one capability: no way back */
    daemon_ready(d);         /* master counts us as started from here on */
    daemon_run(d);           /* until SIGTERM, or until master is gone */
    if (service_has_built(service) && !program.relieved)
        (void)firewall_remove(firewall); /* else it ends by itself */
    service_close(&service);
    firewall_close(&firewall);
    return daemon_exit_status(d);
}
