/*
 * lib/mail/template_file.c - a template of the administrator's, or the one built in.
 *
 * Reads files of the administrator's, before the sandbox closes the way to them.
 */
#include "lib/mail/template_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

#define ERROR_MAX 8192
#define LANGUAGE_MAX 35 /* bytes: what a language tag may need (RFC 5646 section 4.4.1) */

/* It becomes part of a path. */
static bool
is_language_name(const char *language)
{
    size_t len = strlen(language);

    for (size_t i = 0; i < len; i++)
        if (isalnum((unsigned char)language[i]) == 0 && language[i] != '-' && language[i] != '_')
            return false;
    return len > 0 && len <= LANGUAGE_MAX;
}

bool
template_language_exists(const char *etc, const char *language)
{
    char *path = xasprintf("%s/templates/%s", etc, language);
    struct stat st;
    bool exists = template_language_is_shipped(language) ||
                  (is_language_name(language) && stat(path, &st) == 0 && S_ISDIR(st.st_mode));

    free(path);
    return exists;
}

char *
template_file_find(const char *etc, const char *language, enum template_id id)
{
    const char *file = template_kinds[id].file;
    char *path = is_language_name(language) ? xasprintf("%s/templates/%s/%s", etc, language, file)
                                            : xasprintf("%s/templates/%s", etc, file);

    if (access(path, F_OK) == 0 || errno != ENOENT)
        return path; /* what else is wrong with it is told when it is read */
    free(path);
    path = xasprintf("%s/templates/%s", etc, file);
    if (access(path, F_OK) == 0 || errno != ENOENT)
        return path;
    free(path);
    return NULL;
}

char *
template_file_named(const char *etc, const char *language, enum template_id id, const char *name)
{
    if (name[0] == '/')
        return xstrdup(name);
    if (strcmp(name, template_kinds[id].file) != 0)
        return xasprintf("%s/%s", etc, name);
    return template_file_find(etc, language, id);
}

static int
read_from(const char *path, enum template_id id, struct template_text *text, struct strbuf *error)
{
    struct strbuf file = strbuf_new(TEMPLATE_MAX);
    struct template_fault fault = {.line = 0};
    int rc = -1;

    if (read_file(AT_FDCWD, path, &file) < 0) {
        (void)strbuf_printf(error, "%s: %s", path,
                            errno == EFBIG ? "the file is too long" : strerror(errno));
    } else {
        char *copy = xslicedup(strbuf_slice(&file));

        rc = template_parse(slice_make(copy, file.len), &template_kinds[id], text, &fault);
        if (rc < 0)
            (void)strbuf_printf(error, "%s:%zu: %s", path, fault.line, fault.why);
        if (rc < 0)
            free(copy);
        else
            text->file = copy;
    }
    strbuf_free(&file);
    return rc;
}

int
template_file_read(const char *path, const char *language, enum template_id id,
                   struct template_text *text, struct strbuf *error)
{
    struct template_fault fault;

    *text = (struct template_text){.file = NULL};
    if (path != NULL)
        return read_from(path, id, text, error);
    assert_always(template_parse(slice_of(template_built_in(language, id)), &template_kinds[id],
                                 text, &fault) == 0);
    return 0;
}

void
template_file_free(struct template_text *text)
{
    free(text->file);
    *text = (struct template_text){.file = NULL};
}

void
template_file_load(const char *etc, const char *language, enum template_id id,
                   struct template_text *text)
{
    char *path = etc == NULL ? NULL : template_file_find(etc, language, id);
    struct strbuf error = strbuf_new(ERROR_MAX);

    if (etc != NULL && path == NULL)
        log_event(LOG_INFO, "template_built_in", KV_STR("file", template_kinds[id].file),
                  KV_STR("language", language));
    if (template_file_read(path, language, id, text, &error) < 0) {
        log_event(LOG_WARN, "template_not_used", KV_STR("reason", strbuf_cstr(&error)),
                  KV_STR("hint", "the built-in text is used"));
        (void)template_file_read(NULL, language, id, text, &error); /* does not fail */
    }
    strbuf_free(&error);
    free(path);
}

int
template_file_check(const char *etc, const char *language, struct strbuf *errors)
{
    int rc = 0;

    for (int id = 0; id < TEMPLATE_COUNT; id++) {
        char *path = template_file_find(etc, language, (enum template_id)id);
        struct template_text text;

        if (template_file_read(path, language, (enum template_id)id, &text, errors) < 0) {
            (void)strbuf_char(errors, '\n'); /* an error that found no room is still one */
            rc = -1;
        }
        template_file_free(&text);
        free(path);
    }
    return rc;
}
