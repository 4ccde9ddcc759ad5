/*
 * lib/conf/archive_conf.h - the settings of [archive] as one (MON-08, MON-09).
 */
#ifndef POSTHORN_LIB_CONF_ARCHIVE_CONF_H
#define POSTHORN_LIB_CONF_ARCHIVE_CONF_H

#include "lib/conf/conf.h"
#include "lib/conf/services.h"

enum archive_class {
    ARCHIVE_LOCAL = 1,    /* from a user of ours to another */
    ARCHIVE_INCOMING = 2, /* from outside to a user of ours */
    ARCHIVE_OUTGOING = 4, /* from a user of ours to somebody elsewhere */
    ARCHIVE_RELAYED = 8,  /* from outside to outside */
};
#define ARCHIVE_CLASSES 4

struct archive_conf {
    unsigned classes;           /* enum archive_class; 0: nothing is archived */
    bool to_files;              /* by archived; else to these: */
    const char *local_mailbox;  /* ARCHIVE_LOCAL */
    const char *remote_mailbox; /* the other classes */
};

/* "local", "incoming", ...: of one class. */
const char *archive_class_name(enum archive_class one);
/* Borrows from `conf`. 0, or -1 with a line in `errors`: the settings do not fit each other. */
int archive_conf_read(const struct conf *conf, struct archive_conf *out, struct strbuf *errors);
/* Is there somebody to write the files? 0, or -1 with a line in `errors`. */
int archive_conf_check(const struct conf *conf, const struct services *services,
                       struct strbuf *errors);

#endif
