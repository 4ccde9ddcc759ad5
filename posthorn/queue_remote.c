/*
 * posthorn/queue_remote.c - the queue of a server elsewhere, by calls of the administrative API.
 */
#include "posthorn/queue_remote.h"

#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/encode.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "posthorn/remote.h"

enum { CONTENT_MAX = 1u << 20, OBJECT_MAX = 1u << 20 };

struct picking {
    struct slice before; /* received before then; empty: whenever */
    bool (*each)(void *arg, struct slice object);
    void *arg;
    bool enough;
};

static void
take_row(void *arg, const struct object_field *fields, uint32_t count)
{
    struct strbuf object = strbuf_new(OBJECT_MAX);
    struct picking *picking = arg;

    if (!picking->enough &&
        (picking->before.len == 0 ||
         slice_cmp(object_get(fields, count, "received"), picking->before) < 0)) {
        object_add(&object, fields, count);
        picking->enough = !picking->each(picking->arg, strbuf_slice(&object));
    }
    strbuf_free(&object);
}

int
queue_remote_each(struct cli *cli, const struct queue_pick *pick,
                  bool (*each)(void *arg, struct slice object), void *arg)
{
    const struct object_field fields[] = {{SLICE("state"), slice_of(pick->state)},
                                          {SLICE("sender"), slice_of(pick->sender)},
                                          {SLICE("recipient"), slice_of(pick->recipient)},
                                          {SLICE("domain"), slice_of(pick->domain)}};
    struct strbuf before = strbuf_new(64);
    struct picking picking = {.each = each, .arg = arg};
    int rc;

    if (pick->filter.before_ms != 0)
        (void)clock_rfc3339(pick->filter.before_ms, &before); /* fits */
    picking.before = strbuf_slice(&before);
    rc = remote_each(cli, OPER_QUEUE, fields, ARRAY_LEN(fields), take_row, &picking);
    strbuf_free(&before);
    return rc;
}

static struct accountd_admin
request_for(const char *verb, const char *id)
{
    return (struct accountd_admin){
        .verb = slice_of(verb), .kind = SLICE("queue"), .name = slice_of(id)};
}

int
queue_remote_show(struct cli *cli, const char *id, struct strbuf *objects)
{
    const struct accountd_admin request = request_for("show", id);
    struct accountd_admin_reply reply;
    int rc = remote_do(cli, &request, &reply);

    if (rc == CLI_OK)
        (void)strbuf_append(objects, reply.data); /* the caller's ceiling shows */
    return rc;
}

/* One part into `out`. *at moves on; it stays at the end. */
static int
take_part(struct cli *cli, const char *id, uint64_t *at, FILE *out)
{
    struct object_field *fields = xcalloc(OBJECT_FIELDS_MAX, sizeof(*fields)), offset;
    struct strbuf content = strbuf_new(CONTENT_MAX), number = strbuf_new(24);
    struct accountd_admin request = request_for("content", id);
    struct accountd_admin_reply reply;
    int rc, count;

    (void)strbuf_u64(&number, *at);
    offset = (struct object_field){SLICE("offset"), strbuf_slice(&number)};
    request.fields = &offset;
    request.field_count = 1;
    rc = remote_do(cli, &request, &reply);
    if (rc == CLI_OK) {
        count = object_next(&reply.data, fields);
        if (count <= 0 ||
            base64_decode(object_get(fields, (uint32_t)count, "content"), &content) < 0)
            rc = cli_fail(cli, "the server's answer makes no sense");
        else if (content.len > 0 && fwrite(content.ptr, 1, content.len, out) != content.len)
            rc = cli_fail(cli, "the message could not be written");
        *at += content.len;
    }
    strbuf_free(&content);
    strbuf_free(&number);
    free(fields);
    return rc;
}

int
queue_remote_content(struct cli *cli, const char *id, FILE *out)
{
    uint64_t at = 0, before;
    int rc;

    do {
        before = at;
        rc = take_part(cli, id, &at, out);
    } while (rc == CLI_OK && at > before);
    return rc;
}

int
queue_remote_change(struct cli *cli, const struct queue_control *req, uint64_t *count)
{
    struct object_field *answer = xcalloc(OBJECT_FIELDS_MAX, sizeof(*answer)), fields[3];
    struct strbuf at = strbuf_new(24);
    bool is_flush = slice_eq(req->verb, SLICE("flush"));
    struct accountd_admin request = {
        .verb = is_flush ? SLICE("retry") : req->verb, .kind = SLICE("queue"), .fields = fields};
    struct accountd_admin_reply reply;
    uint64_t done = 0;
    int rc, n;

    if (req->time_ms > 0)
        (void)strbuf_u64(&at, (uint64_t)req->time_ms / 1000);
    fields[request.field_count++] = (struct object_field){
        SLICE("ids"), is_flush && req->names.len == 0 ? SLICE("ALL") : req->names};
    if (req->text.len > 0)
        fields[request.field_count++] = (struct object_field){SLICE("reason"), req->text};
    if (at.len > 0)
        fields[request.field_count++] = (struct object_field){SLICE("at"), strbuf_slice(&at)};
    rc = remote_do(cli, &request, &reply);
    if (rc == CLI_OK && (n = object_next(&reply.data, answer)) > 0 &&
        parse_u64(object_get(answer, (uint32_t)n, "messages"), UINT32_MAX, &done) == 0)
        *count += done;
    strbuf_free(&at);
    free(answer);
    return rc;
}
