/*
 * lib/mail/footer_file.c - the signatures of the system and of domains. Reads one directory,
 * written by the administrator.
 */
#include "lib/mail/footer_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/mail/address.h"

#define FORM_MAX                                                                                   \
    ((size_t)8 * FOOTER_FILE_MAX) /* of one form: references for what is beyond ASCII */

/* What stands in the files of one name. */
struct forms {
    struct strbuf text, html;
    bool has_txt, has_html;
    struct footer footer; /* with the system's below it */
    struct strbuf joined_text, joined_html;
    struct forms *next;
};

struct footer_files {
    struct forms system;
    struct map *domains; /* struct forms, by domain in lower case */
    struct forms *first; /* the same in a row */
};

static void
forms_free(struct forms *f)
{
    strbuf_free(&f->text);
    strbuf_free(&f->html);
    strbuf_free(&f->joined_text);
    strbuf_free(&f->joined_html);
}

static void
free_domain(void *value)
{
    forms_free(value);
    free(value);
}

static size_t
lower(struct slice text, char *out)
{
    for (size_t i = 0; i < text.len; i++)
        out[i] =
            text.ptr[i] >= 'A' && text.ptr[i] <= 'Z' ? (char)(text.ptr[i] | 0x20) : text.ptr[i];
    return text.len;
}

/* Whose signature a file of that name is; NULL: nobody's. */
static struct forms *
forms_of(struct footer_files *files, struct slice name)
{
    char key[ADDRESS_DOMAIN_MAX];
    void **place;

    if (slice_eq(name, SLICE("system")))
        return &files->system;
    if (!slice_starts(name, SLICE("@")))
        return NULL;
    name = slice_sub(name, 1, name.len);
    if (name.len > ADDRESS_DOMAIN_MAX || !address_is_domain(name, true))
        return NULL;
    place = map_at(files->domains, slice_make(key, lower(name, key)));
    if (place != NULL && *place == NULL) {
        struct forms *added = xcalloc(1, sizeof(*added));

        added->next = files->first;
        files->first = added;
        *place = added;
    }
    return place == NULL ? NULL : *place;
}

/* One form comes from its own file, before what is made from the other's. */
static const char *
take(struct forms *f, bool is_html, struct slice file)
{
    struct strbuf text = strbuf_new(FORM_MAX), html = strbuf_new(FORM_MAX);
    const char *why = (is_html ? footer_from_html : footer_from_text)(file, &text, &html);
    bool keeps_text = why != NULL || (is_html && f->has_txt);
    bool keeps_html = why != NULL || (!is_html && f->has_html);

    if (!keeps_text) {
        strbuf_free(&f->text);
        f->text = text;
    } else {
        strbuf_free(&text);
    }
    if (!keeps_html) {
        strbuf_free(&f->html);
        f->html = html;
    } else {
        strbuf_free(&html);
    }
    f->has_html |= is_html;
    f->has_txt |= !is_html;
    return why;
}

/* True: it was right, or is no signature at all (a backup copy, a note). */
static bool
load_one(struct footer_files *files, const char *dir, const char *name, struct strbuf *errors)
{
    struct slice base = slice_of(name);
    bool is_html = slice_ends(base, SLICE(".html"));
    struct strbuf bytes = strbuf_new(FOOTER_FILE_MAX);
    const char *why = NULL;
    struct forms *forms;
    char *path;

    if (!is_html && !slice_ends(base, SLICE(".txt")))
        return true;
    base = slice_sub(base, 0, base.len - (is_html ? 5 : 4));
    forms = forms_of(files, base);
    path = xasprintf("%s/%s", dir, name);
    if (forms == NULL)
        why = "is for nobody: expected system or @DOMAIN, then .txt or .html";
    else if (read_file(AT_FDCWD, path, &bytes) < 0)
        why = strerror(errno);
    else
        why = take(forms, is_html, strbuf_slice(&bytes));
    if (why != NULL)
        (void)strbuf_printf(errors, "%s: %s\n", path, why); /* what fits */
    free(path);
    strbuf_free(&bytes);
    return why == NULL;
}

static void
join(struct forms *f, const struct forms *below)
{
    f->joined_text = strbuf_new(2 * FORM_MAX);
    f->joined_html = strbuf_new(2 * FORM_MAX);
    (void)strbuf_append(&f->joined_text, strbuf_slice(&f->text)); /* all fit */
    (void)strbuf_append(&f->joined_html, strbuf_slice(&f->html));
    if (below != NULL && below->text.len > 0) {
        (void)strbuf_str(&f->joined_text, "\r\n");
        (void)strbuf_append(&f->joined_text, strbuf_slice(&below->text));
        (void)strbuf_append(&f->joined_html, strbuf_slice(&below->html));
    }
    f->footer = (struct footer){strbuf_slice(&f->joined_text), strbuf_slice(&f->joined_html)};
}

struct footer_files *
footer_files_load(const char *dir, struct strbuf *errors)
{
    struct footer_files *files = xcalloc(1, sizeof(*files));
    DIR *stream = opendir(dir);
    const struct dirent *entry;
    bool right = stream != NULL || errno == ENOENT;

    files->domains = map_new(FOOTER_DOMAINS_MAX);
    if (!right)
        (void)strbuf_printf(errors, "%s: %s\n", dir, strerror(errno));
    while (stream != NULL && (entry = readdir(stream)) != NULL)
        right = load_one(files, dir, entry->d_name, errors) && right;
    if (stream != NULL)
        (void)closedir(stream);
    join(&files->system, NULL);
    for (struct forms *f = files->first; f != NULL; f = f->next)
        join(f, &files->system);
    if (!right)
        footer_files_free(&files);
    return files;
}

void
footer_files_free(struct footer_files **filesp)
{
    if (*filesp == NULL)
        return;
    forms_free(&(*filesp)->system);
    map_free(&(*filesp)->domains, free_domain);
    xfree(filesp);
}

const struct footer *
footer_files_find(const struct footer_files *files, struct slice domain)
{
    const struct forms *forms = NULL;
    char key[ADDRESS_DOMAIN_MAX];

    if (domain.len <= sizeof(key))
        forms = map_get(files->domains, slice_make(key, lower(domain, key)));
    if (forms == NULL)
        forms = &files->system;
    return forms->footer.text.len > 0 ? &forms->footer : NULL;
}

bool
footer_files_any(const struct footer_files *files)
{
    return files->system.text.len > 0 || map_count(files->domains) > 0;
}
