/*
 * queue-manager/wording.c - what notices say.
 *
 * Reads files of the administrator's, before the sandbox closes the way to them.
 */
#include "queue-manager/wording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/conf_new.h"
#include "lib/log/log.h"
#include "lib/mail/dsn.h"

static const struct {
    const char *name, *built_in;
} files[WORDING_KINDS] = {
    [WORDING_BOUNCE] = {"bounce.txt", conf_new_bounce},
    [WORDING_DELAY] = {"delay.txt", conf_new_delay},
    [WORDING_SUCCESS] = {"success.txt", conf_new_success},
    [WORDING_NOTICE] = {"notice.txt", conf_new_notice},
};

/* 0, or -1 with the reason. */
static int
read_one(const char *path, struct template_text *text, const char **why)
{
    struct strbuf file = strbuf_new(TEMPLATE_MAX);
    char *copy;

    if (read_file(AT_FDCWD, path, &file) < 0) {
        *why = errno == EFBIG ? "it is too long" : strerror(errno);
        strbuf_free(&file);
        return -1;
    }
    copy = xslicedup(strbuf_slice(&file));
    if (template_parse(slice_make(copy, file.len), dsn_value_names, text, why) == 0)
        copy = NULL; /* `text` borrows from it from now on */
    free(copy);
    strbuf_free(&file);
    return *why == NULL ? 0 : -1;
}

static void
load_one(const char *etc, enum wording_kind kind, struct template_text *text)
{
    char *path = etc == NULL ? NULL : xasprintf("%s/templates/%s", etc, files[kind].name);
    const char *why = NULL;

    if (path != NULL && read_one(path, text, &why) < 0)
        log_event(LOG_WARN, "template_not_used", KV_STR("file", path), KV_STR("reason", why),
                  KV_STR("hint", "the built-in text is used"));
    if (path == NULL || why != NULL)
        assert_always(template_parse(slice_of(files[kind].built_in), dsn_value_names, text, &why) ==
                      0);
    free(path);
}

void
wording_load(struct wording *w, const char *etc)
{
    for (int kind = 0; kind < WORDING_KINDS; kind++)
        load_one(etc, (enum wording_kind)kind, &w->kinds[kind]);
}
