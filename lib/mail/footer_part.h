/*
 * lib/mail/footer_part.h - the change that puts a signature into one text part of a message.
 */
#ifndef POSTHORN_LIB_MAIL_FOOTER_PART_H
#define POSTHORN_LIB_MAIL_FOOTER_PART_H

#include "lib/mail/footer.h"
#include "lib/mail/mime.h"

/* The bytes [from, to) of the message become `bytes`. */
struct footer_edit {
    size_t from, to;
    struct strbuf bytes;
};

enum footer_fit {
    FOOTER_EDIT,  /* *edit is made, to be freed by footer_edit_free */
    FOOTER_THERE, /* the signature stands in it already */
    FOOTER_UNFIT, /* its character set or encoding is not known */
    FOOTER_SIGNED /* PGP's armour is in it: nothing of the message may change */
};

/* For a leaf that is text/plain or text/html. */
enum footer_fit footer_part_edit(const struct mime *m, const struct mime_part *part,
                                 const struct footer *footer, struct footer_edit *edit);
void footer_edit_free(struct footer_edit *edit);

#endif
