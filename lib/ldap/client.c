/*
 * lib/ldap/client.c - a conversation with a directory. Input: its answers, untrusted.
 */
#include "lib/ldap/client.h"

#include "lib/base/mem.h"

enum {
    REQUEST_MAX = 32768,
    READ_STEP = 16384,
    STRAYS_MAX = 100, /* messages that answer nothing, before one that does */
    PAGES_MAX = 1000000
};

struct ldap_client
ldap_client_new(struct stream *stream, int64_t deadline_mono_ms)
{
    return (struct ldap_client){.stream = stream,
                                .deadline_mono_ms = deadline_mono_ms,
                                .message = strbuf_new(LDAP_ANSWER_MAX),
                                .result = -1};
}

static int
fail(struct ldap_client *c, const char *trouble)
{
    c->trouble = trouble;
    return -1;
}

/* The next message whole. */
static int
receive(struct ldap_client *c, struct ldap_response *response)
{
    size_t length = 0;

    strbuf_clear(&c->message);
    while (length == 0 || c->message.len < length) {
        size_t want = length == 0 ? 1 : length - c->message.len;
        struct slice bytes;

        if (stream_read_some(c->stream, want < READ_STEP ? want : READ_STEP, c->deadline_mono_ms,
                             &bytes) != STREAM_OK)
            return fail(c, "the directory does not answer");
        if (!strbuf_append(&c->message, bytes) ||
            (length == 0 && ldap_call_length(strbuf_slice(&c->message), &length) < 0))
            return fail(c, "this is no message of LDAP");
    }
    return ldap_call_decode(strbuf_slice(&c->message), response) < 0
               ? fail(c, "this is no message of LDAP")
               : 0;
}

static int
send_request(struct ldap_client *c, struct strbuf *request, int encoded)
{
    if (encoded == 0)
        (void)stream_write(c->stream, strbuf_slice(request)); /* an error sticks */
    if (request->ptr != NULL)
        mem_wipe(request->ptr, request->cap); /* a password may have been in it */
    strbuf_clear(request);
    return encoded < 0 ? fail(c, "a name or password is too long") : 0;
}

/* Reads up to the result of the last request; entries on the way go to each(). */
static int
read_result(struct ldap_client *c, struct ldap_response *response, struct ldap_entry_each *each)
{
    for (unsigned strays = 0; strays < STRAYS_MAX;) {
        if (receive(c, response) < 0)
            return -1;
        if (response->id != c->last_id) { /* a notice (RFC 4511 section 4.4) has the id 0 */
            strays++;
            continue;
        }
        if (response->type == LDAP_RESPONSE_RESULT) {
            c->result = response->result;
            c->text = response->text;
            return 0;
        }
        if (response->type == LDAP_RESPONSE_REFERENCE && each != NULL)
            each->references++;
        if (response->type != LDAP_RESPONSE_ENTRY || each == NULL)
            strays += response->type == LDAP_RESPONSE_OTHER;
        else if (each->run(each->arg, response) < 0) {
            each->ended = true;
            c->result = LDAP_RESULT_SUCCESS;
            c->text = SLICE("");
            return 0;
        }
    }
    return fail(c, "the directory does not come to an end");
}

int
ldap_client_starttls(struct ldap_client *c)
{
    struct strbuf request = strbuf_new(REQUEST_MAX);
    struct ldap_response response;
    int rc = send_request(c, &request, ldap_call_starttls(&request, ++c->last_id));

    strbuf_free(&request);
    return rc < 0 ? -1 : read_result(c, &response, NULL);
}

int
ldap_client_bind(struct ldap_client *c, struct slice name, struct slice password)
{
    struct strbuf request = strbuf_new(REQUEST_MAX);
    struct ldap_response response;
    int rc;

    (void)strbuf_room(&request, REQUEST_MAX); /* does not move and leave a copy */
    rc = send_request(c, &request, ldap_call_bind(&request, ++c->last_id, name, password));
    strbuf_free(&request);
    return rc < 0 ? -1 : read_result(c, &response, NULL);
}

int
ldap_client_search(struct ldap_client *c, const struct ldap_wanted *wanted,
                   struct ldap_entry_each *each)
{
    struct strbuf request = strbuf_new(REQUEST_MAX), cookie = strbuf_new(LDAP_COOKIE_MAX);
    struct ldap_wanted page = *wanted;
    struct ldap_response response = {.result = 0};
    bool more = true;
    int rc = 0;

    for (unsigned pages = 0; rc == 0 && more; pages++) {
        rc = pages == PAGES_MAX
                 ? fail(c, "the directory's pages do not come to an end")
                 : send_request(c, &request, ldap_call_search(&request, ++c->last_id, &page));
        if (rc == 0)
            rc = read_result(c, &response, each);
        more = rc == 0 && !each->ended && c->result == LDAP_RESULT_SUCCESS &&
               wanted->page_size > 0 && response.cookie.len > 0;
        strbuf_clear(&cookie);
        if (more)
            (void)strbuf_append(&cookie, response.cookie); /* the decoder's limit is the buffer's */
        page.cookie = strbuf_slice(&cookie);
    }
    strbuf_free(&request);
    strbuf_free(&cookie);
    return rc;
}

void
ldap_client_end(struct ldap_client *c)
{
    struct strbuf request = strbuf_new(64);

    if (ldap_call_unbind(&request, ++c->last_id) == 0)
        (void)stream_write(c->stream, strbuf_slice(&request));
    strbuf_free(&request);
    strbuf_free(&c->message);
}
