/*
 * admind/call_folders.c - GetFolderMsgCount: how many messages are in a user's standard folders
 * (ADM-36). authd looks at the password and has local-deliver count.
 */
#include "admind/call.h"
#include "lib/base/parse.h"

enum { FOLDERS = 5, CHOSEN_MAX = 32, TEXT_MAX = 1000 };

/* In the order of the answer's objects (enum store_counted). */
static const char *const names[FOLDERS] = {"inbox", "sent", "draft", "trash", "spam"};

struct count {
    uint64_t unseen, total;
};

struct choice {
    size_t folders[CHOSEN_MAX];
    size_t count;
};

static int
find_folder(struct slice name)
{
    for (int i = 0; i < FOLDERS; i++)
        if (slice_eq(name, slice_of(names[i])))
            return i;
    return -1;
}

/* Before anybody is asked: what is wrong here costs no attempt at a password. */
static bool
choose(struct call *call, struct choice *choice)
{
    struct slice rest = api_request_value(&call->request, "folders")->text;

    *choice = (struct choice){.count = 0};
    if (rest.len == 0)
        for (size_t i = 0; i < FOLDERS; i++)
            choice->folders[choice->count++] = i;
    while (rest.len > 0) {
        bool is_last = slice_index(rest, '|') == rest.len;
        int folder = find_folder(slice_split(&rest, '|'));

        if (folder < 0 || choice->count == CHOSEN_MAX || (!is_last && rest.len == 0)) {
            call_fail(call, API_BAD_PARAMETERS,
                      "folders: expected inbox, sent, draft, trash or spam, joined by '|'");
            return false;
        }
        choice->folders[choice->count++] = (size_t)folder;
    }
    return true;
}

static bool
ask(struct call *call, struct count counts[FOLDERS])
{
    const struct object_field field = {SLICE("password"),
                                       api_request_value(&call->request, "password")->text};
    const struct accountd_admin request = {.verb = SLICE("folder-counts"),
                                           .kind = SLICE("user"),
                                           .name = strbuf_slice(&call->request.name),
                                           .fields = &field,
                                           .field_count = 1};
    static struct object_field fields[OBJECT_FIELDS_MAX];
    struct accountd_admin_reply reply;

    if (!call_ask(call, &request, &reply))
        return false;
    for (size_t i = 0; i < FOLDERS; i++) {
        int n = object_next(&reply.data, fields);

        if (n <= 0 ||
            parse_u64(object_get(fields, (uint32_t)n, "new"), UINT32_MAX, &counts[i].unseen) < 0 ||
            parse_u64(object_get(fields, (uint32_t)n, "total"), UINT32_MAX, &counts[i].total) < 0) {
            call_fail(call, CALL_AWAY, "the answer is damaged");
            return false;
        }
    }
    return true;
}

/* "2/3|5/8", or "2|5". */
static void
write_joined(struct call *call, const struct choice *choice, const struct count *counts,
             bool only_new)
{
    struct strbuf text = strbuf_new(TEXT_MAX); /* CHOSEN_MAX of two numbers fit */

    for (size_t i = 0; i < choice->count; i++) {
        const struct count *c = &counts[choice->folders[i]];

        (void)strbuf_str(&text, i > 0 ? "|" : "");
        (void)strbuf_u64(&text, c->unseen);
        if (only_new)
            continue;
        (void)strbuf_char(&text, '/');
        (void)strbuf_u64(&text, c->total);
    }
    json_writer_text(&call->json, "counts", strbuf_slice(&text));
    strbuf_free(&text);
}

void
call_folder_counts(struct call *call)
{
    bool only_new = api_request_value(&call->request, "only_new")->number != 0;
    struct count counts[FOLDERS] = {{0, 0}};
    struct choice choice;

    if (!choose(call, &choice) || !ask(call, counts))
        return;
    write_joined(call, &choice, counts, only_new);
    json_writer_open(&call->json, "folders", '[');
    for (size_t i = 0; i < choice.count; i++) {
        json_writer_open(&call->json, NULL, '{');
        json_writer_text(&call->json, "folder", slice_of(names[choice.folders[i]]));
        json_writer_number(&call->json, "new", counts[choice.folders[i]].unseen);
        if (!only_new)
            json_writer_number(&call->json, "total", counts[choice.folders[i]].total);
        json_writer_close(&call->json, '}');
    }
    json_writer_close(&call->json, ']');
}
