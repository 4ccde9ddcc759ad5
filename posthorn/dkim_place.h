/*
 * posthorn/dkim_place.h - the DKIM keys of one domain on disk, for `posthorn dkim`.
 *
 * Functions that return int give CLI_OK, or CLI_FAILED after the message.
 */
#ifndef POSTHORN_POSTHORN_DKIM_PLACE_H
#define POSTHORN_POSTHORN_DKIM_PLACE_H

#include <sys/types.h>

#include "lib/conf/conf.h"
#include "lib/dkim/key_dir.h"
#include "posthorn/command.h"

#define DKIM_PLACE_NAME_MAX 254

struct dkim_place {
    struct cli *cli;
    struct conf *conf;
    int dirfd;                      /* etc/certs/dkim; -1: there is none yet */
    char name[DKIM_PLACE_NAME_MAX]; /* the domain, A-labels; "" with dkim_place_open_all */
    int domain_fd;                  /* its directory, locked; -1: it has none */
    mode_t dir_mode, file_mode;
    struct dkim_domain domain; /* its key sets; none if it has no directory */
};

/* Opens the directory of all keys, and that of `domain` (as the user wrote it). Close it also after
 * a failure. */
int dkim_place_open(struct dkim_place *place, struct cli *cli, const char *domain);
int dkim_place_open_all(struct dkim_place *place, struct cli *cli);
void dkim_place_close(struct dkim_place *place);

/* Makes both keys of a new set in that state and adds it to the list, all of it on disk. `selector`
 * NULL: today's date. The set that was made is the last of place->domain. */
int dkim_place_make(struct dkim_place *place, const char *selector, enum dkim_state state);
int dkim_place_save(struct dkim_place *place); /* the list alone */
/* Removes the keys of set `i`, and then the set from the list. */
int dkim_place_drop(struct dkim_place *place, size_t i);
/* Removes what is left of the domain when it has no set any more. */
int dkim_place_drop_domain(struct dkim_place *place);

/* What the key's record in the DNS says after "p=": bytes. */
int dkim_place_public(struct dkim_place *place, const struct dkim_set *set,
                      enum dkim_algorithm algorithm, struct strbuf *bytes);

/* Has keyd read its keys again, if it is running. */
int dkim_place_tell_keyd(const struct dkim_place *place);

#endif
