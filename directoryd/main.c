/*
 * directoryd/main.c - start of the directory: the public contacts in memory, for ldapd's sessions.
 *
 * One process has the contacts and answers each session with what its user may see; the sessions
 * themselves hold none. Reads nothing from the network.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "directoryd/service.h"
#include "lib/base/mem.h"
#include "lib/conf/secret_file.h"
#include "lib/ldap/attribute.h"
#include "lib/ldap/dn.h"
#include "lib/log/log.h"

enum { FILES_MAX = 36000 };

/* What names the top of the tree. */
static void
load_base(const struct daemon *d, struct ldap_dn *base, struct service_options *options)
{
    const char *text = conf_str(d->conf, LDAP_BASE);
    int rc = ldap_dn_parse(slice_of(text), base);

    for (size_t i = 0; rc == 0 && i < base->count; i++)
        if (base->rdns[i].attribute != LDAP_ATTR_O && base->rdns[i].attribute != LDAP_ATTR_OU &&
            base->rdns[i].attribute != LDAP_ATTR_DC)
            rc = -1;
    if (rc < 0 || base->count == 0) {
        (void)fprintf(stderr, "ldap.base: expected a name of parts o=, ou= and dc=: %s\n", text);
        exit(EX_CONFIG);
    }
    options->base = base;
    options->base_text = text;
    options->rdn_type = ldap_attribute_name((enum ldap_attribute)base->rdns[0].attribute);
    options->rdn_value = base->rdns[0].value;
}

static void
load_write_password(const struct daemon *d, struct strbuf *password,
                    struct service_options *options)
{
    struct secret_place place = secret_place_new(d->conf, &d->inst, LDAP_WRITE_PASSWORD_FILE);
    struct strbuf error = strbuf_new(4096);

    if (place.path != NULL) {
        if (secret_file_open(&place, password, &error) < 0) {
            (void)fprintf(stderr, "ldap.write_password_file: %s\n", strbuf_cstr(&error));
            exit(EX_CONFIG);
        }
        while (strbuf_ends_with(password, "\n") || strbuf_ends_with(password, "\r"))
            strbuf_truncate(password, password->len - 1);
    }
    options->write_password = strbuf_slice(password);
    secret_place_free(&place);
    strbuf_free(&error);
}

static void
enter_sandbox(struct daemon *d)
{
    struct sandbox box = daemon_sandbox_base(d, USERS_LDAP);

    box.calls = SANDBOX_CONNECT_UNIX | SANDBOX_ACCEPT | SANDBOX_FILES;
    box.files_max = FILES_MAX;
    daemon_sandbox(d, &box);
}

/* A newer directoryd has taken over. */
static void
hang_up(void *arg, int signo)
{
    (void)signo;
    log_note(LOG_INFO, "draining");
    service_drain(arg);
}

int
main(int argc, char **argv)
{
    struct strbuf password = strbuf_new(SECRET_FILE_MAX);
    struct ldap_dn base = ldap_dn_new();
    struct service_options options;
    struct service *service;
    struct daemon d;

    daemon_init(&d, "directoryd", argc, argv); /* options, log, config; exits on error */
    options = (struct service_options){.anonymous_read = conf_bool(d.conf, LDAP_ANONYMOUS_READ)};
    load_base(&d, &base, &options);
    load_write_password(&d, &password, &options); /* last use of a path */
    service = service_start(&d, &options);
    loop_on_signal(d.loop, SIGHUP, hang_up, service);
    enter_sandbox(&d); /* user, Landlock, seccomp: no way back */
    daemon_ready(&d);  /* master counts us as started from here on */
    daemon_run(&d);    /* until SIGTERM, or until master is gone */
    service_stop(&service);
    secret_wipe(&password);
    ldap_dn_free(&base);
    return daemon_exit_status(&d);
}
