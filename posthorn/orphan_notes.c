/*
 * posthorn/orphan_notes.c - users' private annotations of mailboxes that are gone.
 */
#include "posthorn/orphan_notes.h"

#include "lib/base/clock.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/store/annotation_list.h"
#include "lib/store/annotations.h"
#include "lib/store/beneath.h"
#include "lib/store/mailbox_private.h"

enum { DAY_S = 86400, FOLDERS_MAX = 100000000 };

struct note {
    const struct store_user *user;
    char *id;
};
struct orphan_notes {
    int64_t before; /* seconds since 1970: younger ones are left alone */
    struct map *folders;
    struct note *list;
    size_t count, cap;
    bool incomplete;
};

struct orphan_notes *
orphan_notes_new(void)
{
    struct orphan_notes *notes = xcalloc(1, sizeof(*notes));

    notes->before = clock_real_ms() / 1000 - DAY_S;
    notes->folders = map_new(FOLDERS_MAX);
    return notes;
}

void
orphan_notes_free(struct orphan_notes **notesp)
{
    struct orphan_notes *notes = *notesp;

    if (notes == NULL)
        return;
    for (size_t i = 0; i < notes->count; i++)
        xfree(&notes->list[i].id);
    xfree(&notes->list);
    map_free(&notes->folders, NULL);
    xfree(notesp);
}

/* ---- the child ---- */

static void
send_row(struct store_job_output *out, struct slice name, const char *value)
{
    const struct object_field field = {name, slice_of(value)};

    store_job_row(out, &field, 1);
}

static void
send_folder(void *arg, const char *id)
{
    send_row(arg, SLICE("folder_id"), id);
}

static void
send_note(void *arg, const char *id)
{
    send_row(arg, SLICE("note_id"), id);
}

void
orphan_notes_send_folders(int mail_fd, struct store_job_output *out)
{
    (void)annotation_list_folders(mail_fd, send_folder, out); /* it is the other look that counts */
}

void
orphan_notes_send(const struct orphan_notes *notes, int mail_fd, struct store_job_output *out)
{
    if (annotation_list_folders(mail_fd, send_folder, out) < 0 ||
        annotation_list_private(mail_fd, notes->before, send_note, out) < 0)
        send_row(out, SLICE("not_all_ids"), "yes");
}

/* ---- the parent ---- */

static void
add_note(struct orphan_notes *notes, const struct store_user *user, struct slice id)
{
    if (notes->count == notes->cap) {
        notes->cap = notes->cap == 0 ? 64 : notes->cap * 2;
        notes->list = xreallocarray(notes->list, notes->cap, sizeof(*notes->list));
    }
    notes->list[notes->count++] = (struct note){user, xslicedup(id)};
}

bool
orphan_notes_take(struct orphan_notes *notes, const struct store_user *user,
                  const struct object_field *fields, uint32_t count)
{
    struct slice folder = object_get(fields, count, "folder_id");
    struct slice note = object_get(fields, count, "note_id");

    if (folder.len > 0) {
        void **at = map_at(notes->folders, folder);

        if (at == NULL)
            notes->incomplete = true;
        else
            *at = notes;
    } else if (note.len > 0) {
        add_note(notes, user, note);
    } else if (object_get(fields, count, "not_all_ids").len > 0) {
        notes->incomplete = true;
    } else {
        return false;
    }
    return true;
}

void
orphan_notes_incomplete(struct orphan_notes *notes)
{
    notes->incomplete = true;
}

/* Runs in a child again: the parent touches nobody's mail. */
static int
forget(void *arg, int mail_fd, int other_fd, struct store_job_output *out)
{
    const struct note *note = arg;
    const struct store store = {.dirfd = mail_fd};

    (void)other_fd;
    (void)out;
    if (folder_check_store(&store) < 0)
        return -1;
    annotations_forget(&store, note->id);
    return 0;
}

int
orphan_notes_finish(struct orphan_notes *notes, struct cli *cli, const struct conf *conf,
                    bool remove,
                    void (*each)(void *arg, const struct store_user *user, const char *id),
                    void *arg)
{
    int rc = CLI_OK;

    if (notes->incomplete)
        return CLI_OK;
    for (size_t i = 0; i < notes->count; i++) {
        struct note *note = &notes->list[i];
        const struct store_job job = {
            .work = forget, .arg = note, .other_fd = -1, .missing_is_fine = true};

        if (map_get(notes->folders, slice_of(note->id)) != NULL)
            continue;
        if (remove && store_job_run(cli, conf, note->user, &job) != CLI_OK)
            rc = CLI_FAILED;
        else
            each(arg, note->user, note->id);
    }
    return rc;
}
