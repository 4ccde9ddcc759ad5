/*
 * smtpd/footer.h - the signature under what users send (MON-11).
 *
 * The parent loads all of them before it forks. A message that may get one is kept in memory until
 * it is whole, up to signature.max_size; then it goes on its way as if the client had sent it so.
 */
#ifndef POSTHORN_SMTPD_FOOTER_H
#define POSTHORN_SMTPD_FOOTER_H

#include "lib/conf/conf.h"
#include "lib/conf/instance.h"
#include "lib/mail/footer_file.h"

struct session;

struct footer_settings {
    struct footer_files *files; /* NULL: mail programs' mail gets none */
    size_t max_size;
};

/* Exits with a message when a file is wrong. */
void footer_settings_load(struct footer_settings *settings, const struct conf *conf,
                          const struct instance *inst);
/* The signature for what comes in the transaction under way, or NULL: from a user, and not
 * BINARYMIME. */
const struct footer *footer_for(const struct session *s);

#endif
