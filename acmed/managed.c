/*
 * acmed/managed.c - finds the requests of the certificates that are managed.
 *
 * Input: the settings and files of the administrator's.
 */
#include "acmed/managed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/auth/digest.h"
#include "lib/base/encode.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/tls_place.h"
#include "lib/tls/cert_chain.h"
#include "lib/tls/cert_make.h"

static bool
is_used(const struct daemon *d, const char *name)
{
    char *active = tls_place(d->conf, &d->inst, TLS_CERTIFICATE);
    char *own = tls_place_listed(&d->inst, name, "crt");
    bool used = strcmp(active, own) == 0;

    for (size_t i = 0; i < conf_list_count(d->conf, TLS_BY_HOST) && !used; i++)
        used = strcmp(conf_list_item(d->conf, TLS_BY_HOST, i), name) == 0;
    free(active);
    free(own);
    return used;
}

/* certs/NAME.crt has to lead to ours, or the services will never see what we write. */
static const char *
judge_link(const struct daemon *d, const char *name)
{
    char *path = tls_place_listed(&d->inst, name, "crt");
    struct stat st;
    bool is_link = lstat(path, &st) == 0 && S_ISLNK(st.st_mode);

    free(path);
    return is_link ? NULL
                   : "its file in etc/certs is not acmed's; request it by: posthorn cert acme "
                     "request";
}

static void
read_one(struct managed *m, const struct daemon *d, const char *name)
{
    char *path = tls_place_listed(&d->inst, name, "csr");

    *m = (struct managed){.name = name, .csr = strbuf_new(CERT_PEM_MAX)};
    m->defect = tls_place_is_name(name) ? judge_link(d, name) : "it is no name of a certificate";
    m->is_used = is_used(d, name);
    if (m->defect == NULL && read_file(AT_FDCWD, path, &m->csr) < 0)
        m->defect = "there is no request in etc/certs; make one by: posthorn cert acme request";
    free(path);
}

struct managed_list *
managed_read(const struct daemon *d)
{
    struct managed_list *list = xcalloc(1, sizeof(*list));

    for (size_t i = 0; i < conf_list_count(d->conf, ACME_CERTIFICATES); i++)
        read_one(&list->items[list->count++], d, conf_list_item(d->conf, ACME_CERTIFICATES, i));
    return list;
}

static size_t
count_words(const char *text)
{
    size_t count = text[0] != '\0';

    for (; *text != '\0'; text++)
        count += *text == ' ';
    return count;
}

static void
parse_one(struct managed *m)
{
    unsigned char digest[DIGEST_MAX];
    struct strbuf error = strbuf_new(1024), hex = strbuf_new(64);
    struct cert_about about = {0};

    if (cert_about_request(strbuf_slice(&m->csr), m->name, &about, &error) < 0)
        m->defect = "the request in etc/certs is damaged";
    else if (about.hosts[0] == '\0' || count_words(about.hosts) > ACME_NAMES_MAX)
        m->defect = "the request in etc/certs names no host, or more than 100";
    else if (strchr(about.hosts, '*') != NULL)
        m->defect = "neither http-01 nor tls-alpn-01 can prove a name with '*'";
    m->hosts = about.hosts == NULL ? xstrdup("") : xstrdup(about.hosts);
    digest_of(DIGEST_SHA256, strbuf_slice(&m->csr), SLICE(""), digest);
    (void)hex_encode(slice_make(digest, digest_size(DIGEST_SHA256)), &hex); /* it fits */
    memcpy(m->request, strbuf_cstr(&hex), hex.len + 1);
    cert_about_free(&about);
    strbuf_free(&error);
    strbuf_free(&hex);
}

void
managed_parse(struct managed_list *list, int dirfd)
{
    list->dirfd = dirfd;
    for (size_t i = 0; i < list->count; i++) {
        struct managed *m = &list->items[i];

        if (m->defect == NULL)
            parse_one(m);
        state_read(dirfd, m->name, &m->state);
    }
}

void
managed_free(struct managed_list **listp)
{
    if (*listp == NULL)
        return;
    for (size_t i = 0; i < (*listp)->count; i++) {
        strbuf_free(&(*listp)->items[i].csr);
        free((*listp)->items[i].hosts);
    }
    xfree(listp);
}

struct managed *
managed_find(struct managed_list *list, struct slice name)
{
    for (size_t i = 0; i < list->count; i++)
        if (slice_eq(slice_of(list->items[i].name), name))
            return &list->items[i];
    return NULL;
}
