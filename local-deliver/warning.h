/*
 * local-deliver/warning.h - tells users once that their mailbox fills up.
 */
#ifndef POSTHORN_LOCAL_DELIVER_WARNING_H
#define POSTHORN_LOCAL_DELIVER_WARNING_H

#include "lib/mail/template.h"
#include "lib/store/store_dirs.h"
#include "lib/sys/daemon.h"

struct warning_text {
    struct template_text of_bytes, of_messages;
    const char *hostname, *postmaster; /* borrowed from the configuration */
    _Atomic uint64_t *sent;
};

/* Reads the template: before the sandbox. */
void warning_text_load(struct warning_text *text, const struct daemon *d);

/* What a delivery left. */
struct warning_case {
    struct slice path, address;
    struct slice sender; /* whom it comes from; empty: the postmaster */
    unsigned limit;      /* percent of a quota; 0: no warning */
    uint64_t bytes, messages, quota_bytes, quota_messages;
    uint64_t came_bytes; /* of them came just now: 0, the use was as high before */
};
/* Delivers the warning if the use has passed the limit and the user has not been told; forgets that
 * it was told if it is below. A warning that fails is tried again at the next delivery. */
void warning_consider(const struct warning_text *text, const struct store_dirs *dirs,
                      const struct warning_case *c);

#endif
