/*
 * lib/oper/oper.c - system operations: which is which, and what they have in common.
 */
#include "lib/oper/oper.h"

#include <stdarg.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"

enum { CURSOR_MAX = 256, ROWS_MAX = 1000 };

struct oper
oper_new(const struct instance *inst, const struct accountd_admin *request)
{
    return (struct oper){.inst = inst,
                         .request = request,
                         .text = strbuf_new(OPER_TEXT_MAX),
                         .data = strbuf_new(OPER_DATA_MAX),
                         .cursor = strbuf_new(CURSOR_MAX)};
}

void
oper_free(struct oper *op)
{
    strbuf_free(&op->text);
    strbuf_free(&op->data);
    strbuf_free(&op->cursor);
}

void
oper_fail(struct oper *op, uint32_t result, const char *format, ...)
{
    va_list args;

    op->result = result;
    strbuf_clear(&op->text);
    va_start(args, format);
    if (!strbuf_vprintf(&op->text, format, args))
        (void)strbuf_str(&op->text, "a value is too long");
    va_end(args);
}

void
oper_fail_line(struct oper *op, uint32_t result, struct slice said)
{
    struct slice line = slice_trim(slice_split(&said, '\n'));

    oper_fail(op, result, "%.*s", (int)slice_sub(line, 0, OPER_TEXT_MAX - 1).len, line.ptr);
}

struct slice
oper_field(const struct oper *op, const char *name)
{
    return object_get(op->request->fields, op->request->field_count, name);
}

bool
oper_page_full(const struct oper *op, uint64_t rows)
{
    uint64_t limit = ROWS_MAX;

    (void)parse_u64(oper_field(op, "limit"), ROWS_MAX, &limit); /* else the most */
    return rows > 0 && (rows >= limit || op->data.len >= OPER_PAGE_BYTES);
}

void
oper_list_row(void *arg, const struct object_field *fields, uint32_t count)
{
    struct oper *op = arg;
    uint64_t first = 0;

    (void)parse_u64(op->request->cursor, UINT32_MAX, &first); /* else it begins anew */
    if (op->seen >= first && op->cursor.len == 0) {
        if (oper_page_full(op, op->seen - first))
            (void)strbuf_u64(&op->cursor, op->seen); /* fits */
        else
            object_add(&op->data, fields, count);
    }
    op->seen++;
}

void
oper_tell(struct oper *op, struct slice property, struct slice before, struct slice after)
{
    const struct oper_change change = {.verb = op->request->verb,
                                       .kind = op->request->kind,
                                       .name = op->request->name,
                                       .property = property,
                                       .before = before,
                                       .after = after};

    if (op->told != NULL)
        op->told(op->arg, &change);
}

static const struct {
    enum oper_kind kind;
    const char *verb;
    void (*run)(struct oper *op);
} verbs[] = {
    {OPER_SERVICE, "list", oper_services_list},
    {OPER_SERVICE, "set", oper_services_set},
    {OPER_SERVICE, "start", oper_services_do},
    {OPER_SERVICE, "stop", oper_services_do},
    {OPER_SERVICE, "restart", oper_services_do},
    {OPER_SERVICE, "reload", oper_services_do},
    {OPER_CONNECTION, "list", oper_connections_list},
    {OPER_CONNECTION, "kick", oper_connections_kick},
    {OPER_COUNTER, "list", oper_counters_list},
    {OPER_FIGURE, "list", oper_figures_list},
    {OPER_QUEUE, "list", oper_queue_list},
    {OPER_QUEUE, "show", oper_queue_show},
    {OPER_QUEUE, "content", oper_queue_content},
    {OPER_QUEUE, "hold", oper_queue_change},
    {OPER_QUEUE, "release", oper_queue_change},
    {OPER_QUEUE, "retry", oper_queue_change},
    {OPER_QUEUE, "delete", oper_queue_change},
    {OPER_SETTING, "list", oper_settings_list},
    {OPER_SETTING, "show", oper_settings_show},
    {OPER_SETTING, "set", oper_settings_set},
    {OPER_SETTING, "check", oper_settings_check},
    {OPER_CERTIFICATE, "list", oper_certificates_list},
    {OPER_CERTIFICATE, "show", oper_certificates_show},
    {OPER_CERTIFICATE, "content", oper_certificates_content},
    {OPER_CERTIFICATE, "make", oper_certificates_make},
    {OPER_CERTIFICATE, "import", oper_certificates_import},
    {OPER_CERTIFICATE, "activate", oper_certificates_activate},
    {OPER_CERTIFICATE, "deactivate", oper_certificates_deactivate},
    {OPER_CERTIFICATE, "remove", oper_certificates_remove},
    {OPER_LISTS, "list", oper_lists_list},
    {OPER_LISTS, "add", oper_lists_add},
    {OPER_LISTS, "remove", oper_lists_remove},
    {OPER_LIST_ENTRY, "list", oper_lists_entries},
    {OPER_LOCATION, "list", oper_locations_list},
    {OPER_LOCATION, "find", oper_locations_find},
    {OPER_LOCATION, "add", oper_locations_change},
    {OPER_LOCATION, "set", oper_locations_change},
    {OPER_LOCATION, "remove", oper_locations_remove},
    {OPER_LOG, "list", oper_logs_list},
    {OPER_LOG, "read", oper_logs_read},
    {OPER_LOG, "empty", oper_logs_empty},
    {OPER_LOG, "delete", oper_logs_delete},
    {OPER_ALERT, "list", oper_alerts_list},
    {OPER_ALERT, "test", oper_alerts_test},
    {OPER_ALERT, "silence", oper_alerts_silence},
    {OPER_ALERT, "report", oper_alerts_report},
    {OPER_BROADCAST, "list", oper_broadcasts_list},
    {OPER_BROADCAST, "send", oper_broadcasts_send},
    {OPER_SYNC, "run", oper_sync_run},
    {OPER_SYNC, "show", oper_sync_show},
    {OPER_SYNC_ROW, "list", oper_sync_rows},
    {OPER_HOST, "show", oper_host_show},
    {OPER_SUITE, "show", oper_suite_show},
};

void
oper_run(struct oper *op)
{
    const struct accountd_admin *rq = op->request;
    int kind = oper_kind_find(rq->kind);

    for (size_t i = 0; kind >= 0 && i < ARRAY_LEN(verbs); i++) {
        if ((int)verbs[i].kind != kind || !slice_eq(rq->verb, slice_of(verbs[i].verb)))
            continue;
        op->kind = verbs[i].kind;
        verbs[i].run(op);
        if (op->data.overflow)
            oper_fail(op, OPER_REFUSED, "the answer is too long: ask for less");
        return;
    }
    oper_fail(op, OPER_BAD, "there is no operation '%.*s %.*s'",
              (int)slice_sub(rq->kind, 0, 64).len, rq->kind.ptr,
              (int)slice_sub(rq->verb, 0, 64).len, rq->verb.ptr);
}
