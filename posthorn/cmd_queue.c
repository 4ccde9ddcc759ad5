/*
 * posthorn/cmd_queue.c - `queue list|show|flush|hold|release|edit|delete`: the mail that is under
 * way.
 *
 * What is there is read from the queue's directories, with or without a queue manager; changes are
 * the queue manager's, and nothing is changed behind its back.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/ipc/queue_manager.h"
#include "lib/queue/queue_list.h"
#include "posthorn/command.h"
#include "posthorn/oper_columns.h"
#include "posthorn/queue_call.h"
#include "posthorn/queue_pick.h"
#include "posthorn/queue_remote.h"
#include "posthorn/refresh.h"

#define ROWS_AT_ONCE 500 /* of a long list, so that its start is on the screen soon */

static int
open_spool(const struct cli *cli, struct spool *spool)
{
    if (spool_open_readonly(spool, cli->inst.queue) == 0)
        return 0;
    return cli_fail(cli, "cannot read %s: %s", cli->inst.queue, strerror(errno));
}

/* ---- list ---- */

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
        json_quote(&text, value);
    } else {
        (void)strbuf_char(&text, '[');
        while (rest.len > 0) {
            json_quote(&text, slice_split(&rest, ' '));
            (void)strbuf_str(&text, rest.len > 0 ? "," : "");
        }
        (void)strbuf_char(&text, ']');
    }
    (void)fputs(strbuf_cstr(&text), stdout);
    strbuf_free(&text);
}

static void
print_json_object(enum oper_kind kind, const struct object_field *fields, uint32_t count)
{
    const struct columns *columns = oper_columns(kind);

    for (size_t i = 0; i < columns->count; i++) {
        (void)printf("%s\"%s\": ", i == 0 ? "" : ", ", columns->items[i].name);
        print_json_value(&columns->items[i], object_get(fields, count, columns->items[i].name));
    }
}

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

static void
print_json_row(struct slice object, bool first)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    int count = object_next(&object, fields);

    (void)printf(first ? "{" : ",\n{");
    print_json_object(OPER_QUEUE, fields, (uint32_t)count);
    (void)printf("}");
}

/* Prints as it reads; `limit` messages at most (0: all). */
static void
list_found(const struct cli *cli, const struct spool *spool, const struct queue_pick *pick,
           const struct queue_found *found, size_t count, uint64_t limit)
{
    struct table *table = oper_table(OPER_QUEUE);
    uint64_t listed = 0;

    if (cli->json)
        (void)printf("[");
    for (size_t i = 0; i < count && (limit == 0 || listed < limit); i++) {
        struct strbuf object = strbuf_new(QUEUE_PAYLOAD_MAX);

        if (queue_list_add(spool, &found[i], &pick->filter, &object)) {
            if (cli->json)
                print_json_row(strbuf_slice(&object), listed == 0);
            else
                add_rows(cli, table, strbuf_slice(&object));
            listed++;
        }
        strbuf_free(&object);
        if (table_rows(table) == ROWS_AT_ONCE) {
            table_print(&table, false);
            table = oper_table(OPER_QUEUE);
        }
    }
    if (cli->json)
        (void)printf("]\n");
    table_print(&table, false); /* of no rows: nothing */
}

struct remote_list {
    const struct cli *cli;
    struct table *table;
    uint64_t listed, limit;
    bool only_count;
};

static bool
take_remote(void *arg, struct slice object)
{
    struct remote_list *list = arg;

    if (list->limit != 0 && list->listed == list->limit)
        return false;
    if (!list->only_count && list->cli->json) {
        (void)fputs(list->listed == 0 ? "[" : "", stdout);
        print_json_row(object, list->listed == 0);
    } else if (!list->only_count)
        add_rows(list->cli, list->table, object);
    list->listed++;
    return true;
}

static int
list_remote(struct cli *cli, const struct queue_pick *pick, uint64_t limit, bool only_count)
{
    struct remote_list list = {
        .cli = cli, .table = oper_table(OPER_QUEUE), .limit = limit, .only_count = only_count};
    int rc;

    rc = queue_remote_each(cli, pick, take_remote, &list);
    if (cli->json && !only_count && (rc == CLI_OK || list.listed > 0))
        (void)puts(list.listed > 0 ? "]" : "[]");
    if (only_count && rc == CLI_OK)
        (void)printf("%llu\n", (unsigned long long)list.listed);
    table_print(&list.table, false); /* of no rows: nothing */
    return rc;
}

/* Without a filter of sender or recipients no file is opened. */
static size_t
count_found(const struct spool *spool, const struct queue_pick *pick,
            const struct queue_found *found, size_t count)
{
    size_t passed = 0;

    if (pick->sender == NULL && pick->recipient == NULL && pick->domain == NULL)
        return count;
    for (size_t i = 0; i < count; i++) {
        struct strbuf object = strbuf_new(QUEUE_PAYLOAD_MAX);

        passed += queue_list_add(spool, &found[i], &pick->filter, &object);
        strbuf_free(&object);
    }
    return passed;
}

struct list_wish {
    struct queue_pick pick;
    uint64_t limit;
    bool only_count;
};

static int
list_once(struct cli *cli, void *arg)
{
    const struct list_wish *wish = arg;
    struct queue_found *found;
    struct spool spool;
    size_t count;

    if (cli->remote != NULL)
        return list_remote(cli, &wish->pick, wish->limit, wish->only_count);
    if (open_spool(cli, &spool) != 0)
        return CLI_FAILED;
    if (queue_list_find(&spool, &wish->pick.filter, &found, &count) < 0) {
        spool_close(&spool);
        return cli_fail(cli, "cannot read the queue: %s", strerror(errno));
    }
    if (wish->only_count)
        (void)printf("%zu\n", count_found(&spool, &wish->pick, found, count));
    else
        list_found(cli, &spool, &wish->pick, found, count, wish->limit);
    xfree(&found);
    spool_close(&spool);
    return CLI_OK;
}

static int
queue_list(struct cli *cli, int argc, char **argv)
{
    struct list_wish wish = {.limit = 0};
    struct refresh refresh = {0};
    const char *limit_text = NULL;
    const struct cli_option own[] = {{"--limit", CLI_TEXT, &limit_text},
                                     {"--count", CLI_FLAG, &wish.only_count},
                                     REFRESH_OPTIONS(refresh)};
    struct cli_option options[QUEUE_PICK_OPTIONS + ARRAY_LEN(own)];

    queue_pick_options(&wish.pick, options);
    memcpy(options + QUEUE_PICK_OPTIONS, own, sizeof(own));
    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 0) != 0 ||
        queue_pick_read(cli, &wish.pick) != 0)
        return CLI_USAGE;
    if (limit_text != NULL && parse_u64(slice_of(limit_text), UINT32_MAX, &wish.limit) < 0)
        return cli_usage(cli, "--limit is a number");
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    return refresh_run(cli, &refresh, list_once, &wish);
}

/* ---- show ---- */

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
    print_json_object(OPER_QUEUE, fields, (uint32_t)count);
    (void)printf(", \"recipient_status\": [");
    while ((count = object_next(&objects, fields)) > 0) {
        (void)printf("%s{", first ? "" : ", ");
        print_json_object(OPER_RECIPIENT, fields, (uint32_t)count);
        (void)printf("}");
        first = false;
    }
    (void)printf("]}\n");
}

static void
print_show(const struct cli *cli, struct slice objects)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    const struct columns *columns = oper_columns(OPER_QUEUE);
    struct table *table = oper_table(OPER_RECIPIENT);
    int count = object_next(&objects, fields);

    if (count > 0)
        output_show(columns->items, columns->count, fields, (uint32_t)count, false);
    add_rows(cli, table, objects);
    if (table_rows(table) > 0)
        (void)puts("");
    table_print(&table, false);
}

static int
copy_out(const struct queue_message *m, FILE *out)
{
    uint64_t left = queue_message_envelope(m)->content_size, at = 0;
    char buf[16384];

    while (left > 0) {
        size_t step = left < sizeof(buf) ? (size_t)left : sizeof(buf);

        if (pread_exact(queue_message_fd(m), buf, step, (off_t)at) < 0 ||
            fwrite(buf, 1, step, out) != step)
            return -1;
        at += step;
        left -= step;
    }
    return 0;
}

/* The message itself, as an .eml file has it (QUE-12). */
static int
show_content(struct cli *cli, const char *id, FILE *out)
{
    struct spool spool;
    struct queue_message *m = NULL;
    int state, rc = CLI_FAILED;

    if (cli->remote != NULL)
        return queue_remote_content(cli, id, out);
    if (open_spool(cli, &spool) != 0)
        return CLI_FAILED;
    state = queue_id_valid(slice_of(id)) ? spool_find(&spool, id) : -1;
    if (state >= 0)
        m = queue_message_open(spool.fds[state], id);
    if (m == NULL)
        (void)cli_fail(cli, "no such message in the queue, or its file is damaged: %s", id);
    else if (copy_out(m, out) < 0)
        (void)cli_fail(cli, "cannot copy the message: %s", strerror(errno));
    else
        rc = CLI_OK;
    queue_message_close(&m);
    spool_close(&spool);
    return rc;
}

static int
queue_show(struct cli *cli, int argc, char **argv)
{
    bool content = false;
    const struct cli_option options[] = {{"--content", CLI_FLAG, &content}};
    struct strbuf objects;
    struct spool spool;
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, 1) != 0)
        return CLI_USAGE;
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    if (content)
        return show_content(cli, argv[0], stdout);
    objects = strbuf_new(QUEUE_PAYLOAD_MAX);
    if (cli->remote != NULL) {
        rc = queue_remote_show(cli, argv[0], &objects);
    } else if (open_spool(cli, &spool) != 0) {
        rc = CLI_FAILED;
    } else {
        rc = queue_list_show(&spool, argv[0], &objects);
        spool_close(&spool);
        if (rc < 0)
            rc = cli_fail(cli, "no such message in the queue: %s", argv[0]);
    }
    if (rc != CLI_OK)
        ; /* it is said */
    else if (cli->json)
        print_show_json(strbuf_slice(&objects));
    else
        print_show(cli, strbuf_slice(&objects));
    strbuf_free(&objects);
    return rc == 0 ? CLI_OK : CLI_FAILED;
}

/* Mail is its reader's alone: the file is made new, for nobody else. */
static int
queue_export(struct cli *cli, int argc, char **argv)
{
    FILE *out;
    int fd, rc;

    if (cli_options(cli, &argc, argv, NULL, 0, 2, 2) != 0)
        return CLI_USAGE;
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    fd = open(argv[1], O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    out = fd < 0 ? NULL : fdopen(fd, "w");
    if (out == NULL)
        return cli_fail(cli, "cannot make %s: %s", argv[1], strerror(errno));
    rc = show_content(cli, argv[0], out);
    if (fclose(out) != 0 && rc == CLI_OK)
        rc = cli_fail(cli, "cannot write %s: %s", argv[1], strerror(errno));
    if (rc != CLI_OK)
        (void)unlink(argv[1]); /* nothing whole is in it */
    return rc;
}

/* ---- changes ---- */

static void
tell_count(const struct cli *cli, const char *what, uint64_t count)
{
    if (!cli->json)
        (void)printf("%s: %llu\n", what, (unsigned long long)count);
}

/* One request for many ids, some hundred at a time: the queue manager is never busy for long. */
static int
change_ids(struct cli *cli, struct queue_control *req, const struct queue_found *ids, size_t count)
{
    struct strbuf names = strbuf_new((size_t)QUEUE_CONTROL_IDS_MAX * QUEUE_ID_SIZE);
    uint64_t done = 0;
    int rc = CLI_OK;

    for (size_t i = 0; i < count; i++) {
        (void)strbuf_printf(&names, "%s%s", names.len > 0 ? " " : "", ids[i].id); /* fits */
        if (i + 1 < count && (i + 1) % QUEUE_CONTROL_IDS_MAX != 0)
            continue;
        req->names = strbuf_slice(&names);
        if (queue_call(cli, req, &done) != CLI_OK)
            rc = CLI_FAILED;
        strbuf_clear(&names);
    }
    strbuf_free(&names);
    tell_count(cli, "messages", done);
    return rc;
}

/* A verb that takes ids, a filter or ALL, and perhaps an option of its own, whose text goes into
 * the request as the reason or as the time. */
static int
change_picked(struct cli *cli, int argc, char **argv, const char *verb, const char *own)
{
    struct queue_control req = {.verb = slice_of(verb)};
    struct queue_pick pick = {.state = NULL};
    struct cli_option options[QUEUE_PICK_OPTIONS + 1];
    const char *text = NULL;
    struct queue_found *ids = NULL;
    size_t count;
    int rc;

    queue_pick_options(&pick, options);
    options[QUEUE_PICK_OPTIONS] = (struct cli_option){own, CLI_TEXT, &text};
    if (cli_options(cli, &argc, argv, options, QUEUE_PICK_OPTIONS + (own != NULL), 0, INT32_MAX) !=
            0 ||
        queue_pick_read(cli, &pick) != 0)
        return CLI_USAGE;
    if (own != NULL && text != NULL && strcmp(own, "--reason") == 0)
        req.text = slice_of(text);
    else if (text != NULL && queue_pick_time(cli, text, &req.time_ms) != 0)
        return CLI_USAGE;
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    rc = queue_pick_ids(cli, &pick, argc, argv, &ids, &count);
    if (rc == 0)
        rc = change_ids(cli, &req, ids, count);
    xfree(&ids);
    return rc;
}

static int
queue_flush(struct cli *cli, int argc, char **argv)
{
    struct queue_control req = {.verb = SLICE("flush")};
    uint64_t count = 0;
    int rc;

    if (cli_options(cli, &argc, argv, NULL, 0, 0, 1) != 0)
        return CLI_USAGE;
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    req.names = argc > 0 ? slice_of(argv[0]) : SLICE("");
    rc = queue_call(cli, &req, &count);
    if (rc == CLI_OK)
        tell_count(cli, "messages to be tried now", count);
    return rc;
}

static int
queue_hold(struct cli *cli, int argc, char **argv)
{
    return change_picked(cli, argc, argv, "hold", "--reason");
}

static int
queue_release(struct cli *cli, int argc, char **argv)
{
    return change_picked(cli, argc, argv, "release", "--at");
}

static int
queue_delete(struct cli *cli, int argc, char **argv)
{
    return change_picked(cli, argc, argv, "delete", NULL);
}

static int
queue_edit(struct cli *cli, int argc, char **argv)
{
    struct queue_control req = {.verb = SLICE("edit")};
    const char *removed = NULL, *added = NULL;
    const struct cli_option options[] = {{"--remove", CLI_TEXT, &removed},
                                         {"--add", CLI_TEXT, &added}};
    uint64_t count = 0;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, 1) != 0)
        return CLI_USAGE;
    if (removed == NULL && added == NULL)
        return cli_usage(cli, "give --remove, --add, or both to replace one by the other");
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    req.names = slice_of(argv[0]);
    req.removed = removed == NULL ? SLICE("") : slice_of(removed);
    req.added = added == NULL ? SLICE("") : slice_of(added);
    return queue_call(cli, &req, &count);
}

static const struct cli_verb verbs[] = {
    {"list", QUEUE_PICK_SYNOPSIS " [--limit N] [--count] [--json] " REFRESH_SYNOPSIS,
     "queued messages, oldest first", queue_list},
    {"show", "ID [--json | --content]", "one message and its recipients; or the message itself",
     queue_show},
    {"export", "ID FILE", "writes the message into a new file, as mail programs open it (.eml)",
     queue_export},
    {"flush", "[DOMAIN|ID]", "tries everything, one domain or one message now", queue_flush},
    {"hold", "ID...|ALL|FILTER [--reason TEXT]", "stops the delivery until it is released",
     queue_hold},
    {"release", "ID...|ALL|FILTER [--at TIME]", "lets held messages go on, now or at a time",
     queue_release},
    {"edit", "ID [--remove ADDRESS] [--add ADDRESS]",
     "changes the recipients of a message that is deferred or on hold", queue_edit},
    {"delete", "ID...|ALL|FILTER", "removes messages; nobody is told", queue_delete},
    {NULL, NULL, NULL, NULL},
};

const struct command command_queue = {
    .name = "queue",
    .summary = "lists, holds, releases, changes, deletes queued mail, and tries it now",
    .help = "Mail that is not delivered at once waits in the queue: for its next attempt, for its\n"
            "time, or on hold until it is released. 'list', 'show' and 'export' also work while\n"
            "the suite is stopped. FILTER is what 'list' takes:\n"
            "" QUEUE_PICK_SYNOPSIS ".\n"
            "TIME is 2026-11-27T05:00:00Z or +2h. Deleting sends no notice to the sender; 'ALL'\n"
            "leaves damaged files alone.\n",
    .verbs = verbs,
    .remote = "list show export flush hold release delete",
};
