/*
 * posthorn/alert_call.c - asks alertd.
 */
#include "posthorn/alert_call.h"

#include "lib/ipc/object.h"
#include "lib/oper/alertd_call.h"

/* CLI_FAILED too if a result begins with "failed". */
static int
print_table(struct cli *cli, const struct column *columns, size_t count, struct slice data)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct table *table = table_new(columns, count);
    int found, rc = CLI_OK;

    while ((found = object_next(&data, fields)) > 0) {
        table_add(table, fields, (uint32_t)found);
        if (slice_starts(object_get(fields, (uint32_t)found, "result"), SLICE("failed")))
            rc = CLI_FAILED;
    }
    table_print(&table, cli->json);
    return found < 0 ? cli_fail(cli, "alertd's answer is damaged") : rc;
}

int
alert_call(struct cli *cli, struct strbuf *request, int timeout_ms, const struct column *columns,
           size_t column_count)
{
    struct alertd_reply reply;
    struct alertd_call *call = alertd_call_ask(&cli->inst, request, timeout_ms, &reply);
    int rc;

    if (call == NULL)
        rc = cli_fail(cli, "alertd does not answer; is the service 'alert' running?");
    else if (reply.result != 0)
        rc = cli_fail(cli, "%.*s", (int)reply.text.len, reply.text.ptr);
    else
        rc = columns == NULL ? CLI_OK : print_table(cli, columns, column_count, reply.data);
    alertd_call_free(&call);
    return rc;
}

int
alert_call_table(struct cli *cli, const struct alertd_control *control, int timeout_ms,
                 const struct column *columns, size_t column_count)
{
    struct strbuf request = strbuf_new(ALERTD_REQUEST_MAX);
    int rc = alertd_control_encode(&request, control) < 0
                 ? cli_fail(cli, "the name is too long")
                 : alert_call(cli, &request, timeout_ms, columns, column_count);

    strbuf_free(&request);
    return rc;
}
