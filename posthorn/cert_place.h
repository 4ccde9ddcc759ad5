/*
 * posthorn/cert_place.h - the list of certificates on disk, for `posthorn cert`.
 *
 * NAME.crt (the certificate and its chain), NAME.csr (a request) and NAME.key in etc/certs. The
 * pair of the settings is in the list wherever it is: cert.pem is the one that setup made.
 * Functions that return int give CLI_OK, or CLI_FAILED after the message.
 */
#ifndef POSTHORN_POSTHORN_CERT_PLACE_H
#define POSTHORN_POSTHORN_CERT_PLACE_H

#include <sys/types.h>

#include "lib/conf/conf.h"
#include "lib/oper/cert_list.h"
#include "lib/tls/cert_chain.h"
#include "lib/tls/cert_make.h"
#include "posthorn/command.h"

struct cert_place {
    struct cli *cli;
    struct conf *conf;
    int dirfd;
    int lock_fd; /* -1: this user may change nothing */
};

/* Close it also after a failure. */
int cert_place_open(struct cert_place *place, struct cli *cli);
void cert_place_close(struct cert_place *place);

/* An entry that exists, or (cert_place_new) one that does not. Free it also after a failure. */
int cert_place_find(struct cert_place *place, const char *name, struct cert_entry *entry);
/* To remove it: also a key alone, which a crash has left. */
int cert_place_find_remains(struct cert_place *place, const char *name, struct cert_entry *entry);
int cert_place_new(struct cert_place *place, const char *name, struct cert_entry *entry);

/* Runs each() for every entry, by name. */
int cert_place_list(struct cert_place *place, void (*each)(void *arg, struct cert_entry *entry),
                    void *arg);

/* A file of the list, or the administrator's: at most CERT_PEM_MAX bytes. A key has to be wiped. */
int cert_place_read(const struct cert_place *place, const char *path, struct strbuf *out);
int cert_place_write(const struct cert_place *place, const char *path, struct slice text,
                     mode_t mode);

/* Replaces a file's text `before`; a running suite takes it at once. What a service that had not
 * failed before does not run with is taken back, and all are put back to what they had. */
int cert_place_put_in_force(const struct cert_place *place, const char *path, struct slice before,
                            struct slice after);
/* What the services use from now on: changes the settings, and puts them in force like that. */
int cert_place_use(struct cert_place *place, const struct cert_entry *entry);
/* Is in tls.by_host from now on, or is not. */
int cert_place_use_by_host(struct cert_place *place, const struct cert_entry *entry, bool use);
/* Is it in acme.certificates, and from now on, or no longer? What acmed has of it goes, too, when
 * it is no longer. */
bool cert_place_is_managed(const struct cert_place *place, const struct cert_entry *entry);
int cert_place_manage(struct cert_place *place, const struct cert_entry *entry, bool manage);
/* Has a running suite take what is on disk. */
int cert_place_reload(const struct cert_place *place);

#endif
