/*
 * posthorn/cmd_queue.c - `queue list|show|flush|hold|release|delete`: the mail that is under way.
 *
 * Asks the queue manager. While it is not running, list and show read the queue's directories
 * themselves; nothing is changed behind its back.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/ipc/client.h"
#include "lib/ipc/queue_manager.h"
#include "lib/queue/queue_list.h"
#include "posthorn/command.h"
#include "posthorn/output.h"

#define TIMEOUT_MS 60000
#define CONNECT_MS 2000

static const struct column list_columns[] = {
    {"id", COLUMN_TEXT, false},           {"status", COLUMN_TEXT, false},
    {"received", COLUMN_TEXT, false},     {"last_attempt", COLUMN_TEXT, true},
    {"next_attempt", COLUMN_TEXT, false}, {"attempts", COLUMN_NUMBER, true},
    {"size", COLUMN_NUMBER, false},       {"sender", COLUMN_TEXT, false},
    {"recipients", COLUMN_LIST, false},   {"recipient_count", COLUMN_NUMBER, true},
    {"reason", COLUMN_TEXT, false},       {"state", COLUMN_TEXT, true},
};

static const struct column rcpt_columns[] = {
    {"address", COLUMN_TEXT, false}, {"original", COLUMN_TEXT, true},
    {"status", COLUMN_TEXT, false},  {"dsn", COLUMN_TEXT, false},
    {"time", COLUMN_TEXT, false},    {"remote", COLUMN_TEXT, false},
    {"reason", COLUMN_TEXT, false},
};

/* ---- asking ---- */

/* A connection, or NULL: the queue manager is not running. */
static struct ipc_client *
connect_to(const struct cli *cli, int *run_dirfd)
{
    struct ipc_client *client;

    *run_dirfd = open(cli->inst.run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*run_dirfd < 0)
        return NULL;
    client = ipc_client_new(*run_dirfd, QUEUE_SOCKET, QUEUE_PAYLOAD_MAX);
    if (ipc_client_connect(client, CONNECT_MS) < 0) {
        ipc_client_free(&client);
        (void)close(*run_dirfd);
    }
    return client;
}

static void
disconnect(struct ipc_client **client, int run_dirfd)
{
    ipc_client_free(client);
    (void)close(run_dirfd);
}

/* One request. 0, or CLI_FAILED after the message. The reply borrows from the client. */
static int
ask(const struct cli *cli, struct ipc_client *client, const char *verb, const char *name,
    const char *cursor, struct queue_control_reply *reply)
{
    struct queue_control req = {slice_of(verb), slice_of(name), slice_of(cursor)};
    struct strbuf frame = strbuf_new(QUEUE_PAYLOAD_MAX);
    struct ipc_reply message;
    int rc;

    *reply = (struct queue_control_reply){.result = 1};
    (void)queue_control_encode(&frame, &req); /* short */
    rc = ipc_client_call(client, &frame, -1, TIMEOUT_MS, &message);
    strbuf_free(&frame);
    if (rc < 0)
        return cli_fail(cli, "the queue manager does not answer: %s; see 'posthorn status'",
                        strerror(errno));
    close_keep_errno(message.fd);
    if (message.type != QUEUE_CONTROL_REPLY ||
        queue_control_reply_decode(message.payload, reply) < 0)
        return cli_fail(cli, "the queue manager's answer makes no sense; restart the suite");
    if (reply->result != 0)
        return cli_fail(cli, "%s%s%.*s", name, name[0] != '\0' ? ": " : "", (int)reply->text.len,
                        reply->text.ptr);
    return 0;
}

static int
open_spool(const struct cli *cli, struct spool *spool)
{
    if (spool_open_readonly(spool, cli->inst.queue) == 0)
        return 0;
    return cli_fail(cli, "cannot read %s: %s", cli->inst.queue, strerror(errno));
}

/* ---- list ---- */

/* For people the recipients are separated by ';' (QUE-11); JSON makes an array of the words. */
static void
join_recipients(struct object_field *fields, uint32_t count, struct strbuf *joined)
{
    for (uint32_t i = 0; i < count; i++) {
        struct slice rest = fields[i].value;

        if (!slice_eq(fields[i].name, SLICE("recipients")))
            continue;
        while (rest.len > 0) {
            (void)strbuf_append(joined, slice_split(&rest, ' ')); /* as long as it was */
            (void)strbuf_str(joined, rest.len > 0 ? ";" : "");
        }
        fields[i].value = strbuf_slice(joined);
    }
}

static void
add_rows(const struct cli *cli, struct table *table, struct slice objects)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    int count;

    while ((count = object_next(&objects, fields)) > 0) {
        struct strbuf joined = strbuf_new(QUEUE_PAYLOAD_MAX);

        if (!cli->json)
            join_recipients(fields, (uint32_t)count, &joined);
        table_add(table, fields, (uint32_t)count);
        strbuf_free(&joined);
    }
}

static int
list_by_server(const struct cli *cli, struct ipc_client *client, struct table *table)
{
    char cursor[QUEUE_ID_SIZE] = "";

    do {
        struct queue_control_reply reply;

        if (ask(cli, client, "list", "", cursor, &reply) != 0)
            return CLI_FAILED;
        add_rows(cli, table, reply.data);
        (void)snprintf(cursor, sizeof(cursor), "%.*s", (int)reply.cursor.len, reply.cursor.ptr);
    } while (cursor[0] != '\0');
    return CLI_OK;
}

static int
list_by_directory(const struct cli *cli, struct table *table)
{
    char cursor[QUEUE_ID_SIZE] = "";
    struct spool spool;
    bool more = true;

    if (open_spool(cli, &spool) != 0)
        return CLI_FAILED;
    while (more) {
        struct strbuf objects = strbuf_new(QUEUE_PAYLOAD_MAX);

        more = queue_list_page(&spool, cursor, &objects, cursor);
        add_rows(cli, table, strbuf_slice(&objects));
        strbuf_free(&objects);
    }
    spool_close(&spool);
    return CLI_OK;
}

static int
queue_list(struct cli *cli, int argc, char **argv)
{
    struct table *table;
    struct ipc_client *client;
    int run_dirfd, rc;

    if (cli_options(cli, &argc, argv, NULL, 0, 0, 0) != 0)
        return CLI_USAGE;
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    table = table_new(list_columns, ARRAY_LEN(list_columns));
    client = connect_to(cli, &run_dirfd);
    if (client == NULL) {
        rc = list_by_directory(cli, table);
    } else {
        rc = list_by_server(cli, client, table);
        disconnect(&client, run_dirfd);
    }
    table_print(&table, cli->json && rc == CLI_OK);
    return rc;
}

/* ---- show ---- */

static void
print_json_value(const struct column *column, struct slice value)
{
    struct strbuf text = strbuf_new(1u << 20);
    struct slice rest = value;

    if (column->type == COLUMN_NUMBER) {
        (void)printf("%.*s", value.len == 0 ? 4 : (int)value.len,
                     value.len == 0 ? "null" : value.ptr);
        return;
    }
    if (column->type != COLUMN_LIST) {
        output_json_string(&text, value);
    } else {
        (void)strbuf_char(&text, '[');
        while (rest.len > 0) {
            output_json_string(&text, slice_split(&rest, ' '));
            (void)strbuf_str(&text, rest.len > 0 ? "," : "");
        }
        (void)strbuf_char(&text, ']');
    }
    (void)fputs(strbuf_cstr(&text), stdout);
    strbuf_free(&text);
}

static void
print_json_object(const struct column *columns, size_t column_count,
                  const struct object_field *fields, uint32_t count)
{
    for (size_t i = 0; i < column_count; i++) {
        (void)printf("%s\"%s\": ", i == 0 ? "" : ", ", columns[i].name);
        print_json_value(&columns[i], object_get(fields, count, columns[i].name));
    }
}

/* One object: the message, with its recipients as the array "recipient_status". */
static void
print_show_json(struct slice objects)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    int count = object_next(&objects, fields);
    bool first = true;

    if (count <= 0)
        return;
    (void)printf("{");
    print_json_object(list_columns, ARRAY_LEN(list_columns), fields, (uint32_t)count);
    (void)printf(", \"recipient_status\": [");
    while ((count = object_next(&objects, fields)) > 0) {
        (void)printf("%s{", first ? "" : ", ");
        print_json_object(rcpt_columns, ARRAY_LEN(rcpt_columns), fields, (uint32_t)count);
        (void)printf("}");
        first = false;
    }
    (void)printf("]}\n");
}

static void
print_show(const struct cli *cli, struct slice objects)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct table *table = table_new(rcpt_columns, ARRAY_LEN(rcpt_columns));
    int count = object_next(&objects, fields);

    if (count > 0)
        output_show(list_columns, ARRAY_LEN(list_columns), fields, (uint32_t)count, false);
    add_rows(cli, table, objects);
    if (table_rows(table) > 0)
        (void)puts("");
    table_print(&table, false);
}

static int
copy_out(const struct queue_message *m)
{
    uint64_t left = queue_message_envelope(m)->content_size, at = 0;
    char buf[16384];

    while (left > 0) {
        size_t step = left < sizeof(buf) ? (size_t)left : sizeof(buf);

        if (pread_exact(queue_message_fd(m), buf, step, (off_t)at) < 0 ||
            fwrite(buf, 1, step, stdout) != step)
            return -1;
        at += step;
        left -= step;
    }
    return 0;
}

/* The message itself, as an .eml file has it (QUE-12). */
static int
show_content(const struct cli *cli, const char *id)
{
    struct spool spool;
    struct queue_message *m = NULL;
    int state, rc = CLI_FAILED;

    if (open_spool(cli, &spool) != 0)
        return CLI_FAILED;
    state = queue_id_valid(slice_of(id)) ? spool_find(&spool, id) : -1;
    if (state >= 0)
        m = queue_message_open(spool.fds[state], id);
    if (m == NULL)
        (void)cli_fail(cli, "no such message in the queue, or its file is damaged: %s", id);
    else if (copy_out(m) < 0)
        (void)cli_fail(cli, "cannot copy the message: %s", strerror(errno));
    else
        rc = CLI_OK;
    queue_message_close(&m);
    spool_close(&spool);
    return rc;
}

static int
show_by_directory(const struct cli *cli, const char *id, struct strbuf *objects)
{
    struct spool spool;
    int rc;

    if (open_spool(cli, &spool) != 0)
        return CLI_FAILED;
    rc = queue_list_show(&spool, id, objects);
    spool_close(&spool);
    return rc == 0 ? CLI_OK : cli_fail(cli, "no such message in the queue: %s", id);
}

static int
show_by_server(const struct cli *cli, struct ipc_client *client, const char *id,
               struct strbuf *objects)
{
    struct queue_control_reply reply;

    if (ask(cli, client, "show", id, "", &reply) != 0)
        return CLI_FAILED;
    (void)strbuf_append(objects, reply.data); /* as large as a payload can be */
    return CLI_OK;
}

static int
queue_show(struct cli *cli, int argc, char **argv)
{
    bool content = false;
    const struct cli_option options[] = {{"--content", CLI_FLAG, &content}};
    struct strbuf objects;
    struct ipc_client *client;
    int run_dirfd, rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, 1) != 0)
        return CLI_USAGE;
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    if (content)
        return show_content(cli, argv[0]);
    objects = strbuf_new(QUEUE_PAYLOAD_MAX);
    client = connect_to(cli, &run_dirfd);
    if (client == NULL) {
        rc = show_by_directory(cli, argv[0], &objects);
    } else {
        rc = show_by_server(cli, client, argv[0], &objects);
        disconnect(&client, run_dirfd);
    }
    if (rc == CLI_OK && cli->json)
        print_show_json(strbuf_slice(&objects));
    else if (rc == CLI_OK)
        print_show(cli, strbuf_slice(&objects));
    strbuf_free(&objects);
    return rc;
}

/* ---- changes ---- */

static int
change(struct cli *cli, int argc, char **argv, const char *verb, int words_min)
{
    struct queue_control_reply reply;
    struct ipc_client *client;
    int run_dirfd, rc;

    if (cli_options(cli, &argc, argv, NULL, 0, words_min, 1) != 0)
        return CLI_USAGE;
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    client = connect_to(cli, &run_dirfd);
    if (client == NULL)
        return cli_fail(cli, "the queue manager is not running; start the suite first");
    rc = ask(cli, client, verb, argc > 0 ? argv[0] : "", "", &reply);
    if (rc == 0 && !cli->json)
        (void)printf("%.*s\n", (int)reply.text.len, reply.text.ptr);
    disconnect(&client, run_dirfd);
    return rc == 0 ? CLI_OK : CLI_FAILED;
}

static int
queue_flush(struct cli *cli, int argc, char **argv)
{
    return change(cli, argc, argv, "flush", 0);
}

static int
queue_hold(struct cli *cli, int argc, char **argv)
{
    return change(cli, argc, argv, "hold", 1);
}

static int
queue_release(struct cli *cli, int argc, char **argv)
{
    return change(cli, argc, argv, "release", 1);
}

static int
queue_delete(struct cli *cli, int argc, char **argv)
{
    return change(cli, argc, argv, "delete", 1);
}

static const struct cli_verb verbs[] = {
    {"list", "[--json]", "all queued messages, oldest first", queue_list},
    {"show", "ID [--json | --content]", "one message and its recipients; or the message itself",
     queue_show},
    {"flush", "[DOMAIN|ID]", "tries everything, one domain or one message now", queue_flush},
    {"hold", "ID|ALL", "stops the delivery of a message until it is released", queue_hold},
    {"release", "ID|ALL", "lets a held message go on", queue_release},
    {"delete", "ID|ALL", "removes a message; nobody is told", queue_delete},
    {NULL, NULL, NULL, NULL},
};

const struct command command_queue = {
    .name = "queue",
    .summary = "lists, holds, releases, deletes queued mail, and tries it now",
    .help = "Mail that is not delivered at once waits in the queue: for its next attempt, or on\n"
            "hold until it is released. 'list' and 'show' also work while the suite is stopped.\n"
            "Deleting sends no notice to the sender; 'delete ALL' leaves damaged files alone.\n",
    .verbs = verbs,
};
