/*
 * lib/sync/fetch.c - reads all users and groups of a directory elsewhere.
 *
 * What the directory says is untrusted: it is taken apart here and goes on as checked objects.
 */
#include "lib/sync/fetch.h"

#include "lib/ldap/client.h"
#include "lib/ldap/filter_text.h"
#include "lib/sync/entry.h"

enum { READ_MAX = 32768, FILTER_MAX = 8192, PAGE_SIZE = 500 };

struct reading {
    const struct sync_fetch *fetch;
    struct stream *stream;
    struct ldap_client client;
    struct strbuf *out, *why;
    bool of_group;
    const char *broken; /* why the search was ended by us */
};

/* The server's own words belong to it: its codes are in appendix A of RFC 4511. */
static int
fail(struct reading *r, const char *what)
{
    if (r->client.result > 0)
        (void)strbuf_printf(r->why, "%s: result %d%s%.*s", what, (int)r->client.result,
                            r->client.text.len > 0 ? ", " : "",
                            (int)(r->client.text.len > 300 ? 300 : r->client.text.len),
                            r->client.text.ptr);
    else
        (void)strbuf_str(r->why, what);
    return -1;
}

static int
start_tls(struct reading *r)
{
    const struct tls_check check = {.server_name = r->fetch->host};

    if (!r->fetch->source->server.tls_at_once) {
        if (ldap_client_starttls(&r->client) < 0)
            return fail(r, r->client.trouble);
        if (r->client.result != LDAP_RESULT_SUCCESS)
            return fail(r, "the directory refuses StartTLS");
    }
    if (stream_start_tls_client(r->stream, r->fetch->authorities, &check,
                                r->fetch->deadline_mono_ms) == 0)
        return 0;
    (void)strbuf_printf(r->why, "no TLS with the directory: %s", tls_last_error());
    return -1;
}

static int
bind_as(struct reading *r)
{
    if (r->fetch->name.len == 0)
        return 0;
    if (ldap_client_bind(&r->client, r->fetch->name, r->fetch->password) < 0)
        return fail(r, r->client.trouble);
    return r->client.result == LDAP_RESULT_SUCCESS
               ? 0
               : fail(r, "the directory refuses the account and its password");
}

static int
take(void *arg, const struct ldap_response *entry)
{
    struct reading *r = arg;

    if (sync_entry_add(r->fetch->source, r->of_group, entry, r->out) < 0)
        r->broken = "an entry of the directory is damaged";
    else if (r->out->overflow)
        r->broken = "the directory has more than there is room for";
    return r->broken == NULL ? 0 : -1;
}

static const char *
why_failed(int32_t result)
{
    if (result == LDAP_RESULT_SIZE_LIMIT)
        return "the directory gives no more entries than its size limit";
    return result == LDAP_RESULT_NO_SUCH_OBJECT
               ? "there is no such base to search below, or we may not see it"
               : "the search failed";
}

static int
search(struct reading *r, bool of_group)
{
    const struct sync_source *source = r->fetch->source;
    struct strbuf filter = strbuf_new(FILTER_MAX);
    struct slice names[SYNC_ATTRIBUTES_MAX];
    struct ldap_entry_each each = {.run = take, .arg = r};
    struct ldap_wanted wanted = {.base = source->server.name,
                                 .names = names,
                                 .name_count = sync_source_attributes(source, of_group, names),
                                 .page_size = PAGE_SIZE};
    int rc = ldap_filter_text_encode(of_group ? source->group_filter : source->user_filter,
                                     &filter) == NULL
                 ? 0
                 : fail(r, "the filter is none");

    r->of_group = of_group;
    wanted.filter = strbuf_slice(&filter);
    if (rc == 0 && ldap_client_search(&r->client, &wanted, &each) < 0)
        rc = fail(r, r->client.trouble);
    else if (rc == 0 && r->broken != NULL)
        rc = fail(r, r->broken);
    else if (rc == 0 && r->client.result != LDAP_RESULT_SUCCESS)
        rc = fail(r, why_failed(r->client.result));
    strbuf_free(&filter);
    return rc;
}

int
sync_fetch(const struct sync_fetch *fetch, int fd, struct strbuf *out, struct strbuf *why)
{
    struct reading r = {.fetch = fetch, .stream = stream_new(fd, READ_MAX), .out = out, .why = why};
    int rc;

    r.client = ldap_client_new(r.stream, fetch->deadline_mono_ms);
    rc = start_tls(&r);
    if (rc == 0)
        rc = bind_as(&r);
    if (rc == 0 && fetch->users)
        rc = search(&r, false);
    if (rc == 0 && fetch->groups)
        rc = search(&r, true);
    ldap_client_end(&r.client);
    stream_free(&r.stream);
    return rc;
}
