/*
 * smtpd/footer.c - whose mail gets which signature. Reads the administrator's files at the start.
 */
#include "smtpd/footer.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "smtpd/session.h"

enum { ERRORS_MAX = 65536 };

void
footer_settings_load(struct footer_settings *settings, const struct conf *conf,
                     const struct instance *inst)
{
    const char *name = conf_str(conf, SIGNATURE_DIRECTORY);
    char *path = instance_etc_path(inst, name);
    struct strbuf errors = strbuf_new(ERRORS_MAX);

    *settings = (struct footer_settings){.max_size = conf_u64(conf, SIGNATURE_MAX_SIZE)};
    if (name[0] != '\0' && !conf_bool(conf, SIGNATURE_WEBMAIL_ONLY)) {
        settings->files = footer_files_load(path, &errors);
        if (settings->files == NULL) {
            (void)fprintf(stderr, "smtpd: %s", strbuf_cstr(&errors));
            exit(EX_CONFIG);
        }
        if (!footer_files_any(settings->files))
            footer_files_free(&settings->files);
    }
    free(path);
    strbuf_free(&errors);
}

const struct footer *
footer_for(const struct session *s)
{
    const struct footer_settings *settings = &s->settings->footers;
    struct slice user = slice_of(s->auth_user);

    if (settings->files == NULL || user.len == 0 || s->transaction.envelope.sender.len == 0 ||
        s->transaction.body == BODY_BINARYMIME)
        return NULL;
    return footer_files_find(settings->files,
                             slice_sub(user, slice_rindex(user, '@') + 1, user.len));
}
