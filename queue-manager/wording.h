/*
 * queue-manager/wording.h - what notices say: the administrator's templates, or the ones built in.
 */
#ifndef POSTHORN_QUEUE_MANAGER_WORDING_H
#define POSTHORN_QUEUE_MANAGER_WORDING_H

#include "lib/mail/template.h"

enum wording_kind {
    WORDING_BOUNCE,       /* to the sender: it failed for good */
    WORDING_DELAY,        /* to the sender: it is still being tried */
    WORDING_SUCCESS,      /* to the sender, who asked for it */
    WORDING_NOTICE,       /* to the postmaster or a domain's administrator: it failed for good */
    WORDING_DELAY_NOTICE, /* to the postmaster: it is still being tried */
    WORDING_DISK,         /* to the postmaster: a disk fills up */
    WORDING_APPROVAL_REQUEST, /* to an approver */
    WORDING_REFUSAL,          /* to the sender: it was not approved */
    WORDING_APPROVAL_LATE,    /* to an approver: there is nothing left to decide */
    WORDING_KINDS
};

struct wording {
    struct template_text kinds[WORDING_KINDS];
};

/* Reads the templates of a language (lib/mail/template_file.h). `etc` NULL: all built in. The texts
 * live as long as the process. */
void wording_load(struct wording *w, const char *etc, const char *language);

#endif
