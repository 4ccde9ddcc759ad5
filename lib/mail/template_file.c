/*
 * lib/mail/template_file.c - a template of the administrator's, or the one built in.
 *
 * Reads files of the administrator's, before the sandbox closes the way to them.
 */
#include "lib/mail/template_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

/* 0, or -1 with the reason. */
static int
read_one(const char *path, const char *const *names, struct template_text *text, const char **why)
{
    struct strbuf file = strbuf_new(TEMPLATE_MAX);
    char *copy;

    if (read_file(AT_FDCWD, path, &file) < 0) {
        *why = errno == EFBIG ? "it is too long" : strerror(errno);
        strbuf_free(&file);
        return -1;
    }
    copy = xslicedup(strbuf_slice(&file));
    if (template_parse(slice_make(copy, file.len), names, text, why) == 0)
        copy = NULL; /* `text` borrows from it from now on */
    free(copy);
    strbuf_free(&file);
    return *why == NULL ? 0 : -1;
}

void
template_file_load(const char *etc, const char *name, const char *built_in,
                   const char *const *names, struct template_text *text)
{
    char *path = etc == NULL ? NULL : xasprintf("%s/templates/%s", etc, name);
    const char *why = NULL;

    if (path != NULL && read_one(path, names, text, &why) < 0)
        log_event(LOG_WARN, "template_not_used", KV_STR("file", path), KV_STR("reason", why),
                  KV_STR("hint", "the built-in text is used"));
    if (path == NULL || why != NULL)
        assert_always(template_parse(slice_of(built_in), names, text, &why) == 0);
    free(path);
}
