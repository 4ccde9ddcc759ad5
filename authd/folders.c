/*
 * authd/folders.c - the folders of others that come with a login: their rights and directories.
 *
 * accountd says which, and is believed; paths are checked again before they are opened. A session
 * gets descriptors alone, and cannot ask for another.
 */
#include "authd/folders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "authd/user_dir.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/local_deliver.h"
#include "lib/log/log.h"
#include "lib/store/folder_name.h"

static bool
has_nul(struct slice s)
{
    return slice_index(s, '\0') < s.len;
}

static char *
place_of(const struct accountd_folder *folder)
{
    struct strbuf place = strbuf_new(2048);

    (void)strbuf_append(&place, folder->path); /* both have limits: they fit */
    (void)strbuf_char(&place, '/');
    (void)strbuf_append(&place, folder->dir);
    return strbuf_steal(&place);
}

static void
add(const struct store_dirs *dirs, const struct accountd_folder *folder, struct folder_grants *out)
{
    char *path = xslicedup(folder->path);
    int fd = folder->dir.len > 0 ? -1 : user_dir_open(dirs, path);

    if (fd < 0 && folder->dir.len == 0)
        log_event(LOG_WARN, "folder_not_opened", KV_SLICE("name", folder->name),
                  KV_STR("path", path), KV_ERRNO());
    else
        out->list[out->count++] = (struct folder_grant){
            .name = xslicedup(folder->name),
            .place = place_of(folder),
            .rights = folder->rights,
            .is_shared = folder->dir.len > 0,
            .quota_bytes = folder->quota_bytes,
            .quota_messages = folder->quota_messages,
            .fd = fd,
        };
    free(path);
}

int
folder_grants_open(const struct store_dirs *dirs, struct slice payload, struct folder_grants *out)
{
    struct accountd_folder folders[ACCOUNTD_FOLDERS_MAX];
    uint32_t count;

    *out = (struct folder_grants){.count = 0};
    if (accountd_folders_reply_decode(payload, folders, &count) < 0)
        return -1;
    for (uint32_t i = 0; i < count; i++)
        if (has_nul(folders[i].name) || has_nul(folders[i].path) || has_nul(folders[i].dir) ||
            folders[i].name.len == 0 || !store_path_valid(folders[i].path) ||
            (folders[i].dir.len > 0 && !store_dir_valid(folders[i].dir)))
            return -1;
    if (count > 0)
        out->list = xcalloc(count, sizeof(*out->list));
    for (uint32_t i = 0; i < count; i++)
        add(dirs, &folders[i], out);
    return 0;
}

struct slice
folder_grant_path(const struct folder_grant *grant)
{
    struct slice place = slice_of(grant->place);

    return slice_sub(place, 0, slice_rindex(place, '/'));
}

struct folder_grant *
folder_grants_unopened(struct folder_grants *grants, struct slice *path, struct slice *dir)
{
    for (uint32_t i = 0; i < grants->count; i++) {
        struct slice place = slice_of(grants->list[i].place);

        if (grants->list[i].fd >= 0)
            continue;
        *path = folder_grant_path(&grants->list[i]);
        *dir = slice_sub(place, path->len + 1, place.len);
        return &grants->list[i];
    }
    return NULL;
}

void
folder_grants_remove(struct folder_grants *grants, struct folder_grant *grant)
{
    log_event(LOG_WARN, "folder_not_opened", KV_STR("name", grant->name),
              KV_STR("path", grant->place));
    free(grant->name);
    free(grant->place);
    *grant = grants->list[--grants->count];
}

/* ---- what the session changed ---- */

static void
clear(struct folder_grant *grant)
{
    free(grant->name);
    free(grant->place);
    close_keep_errno(grant->fd);
}

/* Where the shared folder of that name is; NULL: it can be nowhere. */
static char *
shared_place(struct slice path, struct slice name)
{
    struct strbuf dir = strbuf_new(FOLDER_DIR_MAX);
    struct slice folder = slice_sub(name, slice_index(name, '/') + 1, name.len);
    struct accountd_folder at = {.path = path};
    char *place = NULL;

    if (folder_name_to_dir(folder, &dir) == 0) {
        at.dir = strbuf_slice(&dir);
        place = place_of(&at);
    }
    strbuf_free(&dir);
    return place;
}

void
folder_grants_made(struct folder_grants *grants, struct slice path, struct slice name,
                   uint32_t rights)
{
    char *place = shared_place(path, name);

    if (place == NULL || grants->count >= ACCOUNTD_FOLDERS_MAX) { /* then no login shows it */
        free(place);
        return;
    }
    grants->list = xreallocarray(grants->list, (size_t)grants->count + 1, sizeof(*grants->list));
    grants->list[grants->count++] = (struct folder_grant){
        .name = xslicedup(name), .place = place, .rights = rights, .is_shared = true, .fd = -1};
}

void
folder_grants_gone(struct folder_grants *grants, struct slice name)
{
    for (uint32_t i = 0; i < grants->count; i++)
        if (slice_eq(slice_of(grants->list[i].name), name)) {
            clear(&grants->list[i]);
            grants->list[i] = grants->list[--grants->count];
            return;
        }
}

static void
rename_grant(struct folder_grant *grant, struct slice from, struct slice to)
{
    struct slice name = slice_of(grant->name), rest = slice_sub(name, from.len, name.len);
    char *renamed, *place;

    if (!slice_starts(name, from) || (rest.len > 0 && rest.ptr[0] != '/'))
        return;
    renamed = xasprintf("%.*s%.*s", (int)to.len, to.ptr, (int)rest.len, rest.ptr);
    place = shared_place(folder_grant_path(grant), slice_of(renamed));
    if (place == NULL) { /* local-deliver did it, so there is one */
        free(renamed);
        return;
    }
    free(grant->name);
    free(grant->place);
    grant->name = renamed;
    grant->place = place;
}

void
folder_grants_renamed(struct folder_grants *grants, struct slice from, struct slice to)
{
    for (uint32_t i = 0; i < grants->count; i++)
        rename_grant(&grants->list[i], from, to);
}

void
folder_grants_close(struct folder_grants *grants)
{
    for (uint32_t i = 0; i < grants->count; i++) {
        close_keep_errno(grants->list[i].fd);
        grants->list[i].fd = -1;
    }
}

void
folder_grants_free(struct folder_grants *grants)
{
    folder_grants_close(grants);
    for (uint32_t i = 0; i < grants->count; i++) {
        free(grants->list[i].name);
        free(grants->list[i].place);
    }
    free(grants->list);
    *grants = (struct folder_grants){.count = 0};
}

static bool
is_given(const struct folder_grant *grant, const struct accountd_folder *folders, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char *place = place_of(&folders[i]);
        bool same = strcmp(place, grant->place) == 0;

        free(place);
        if (same && slice_eq(folders[i].name, slice_of(grant->name)))
            return (grant->rights & ~folders[i].rights) == 0;
    }
    return false;
}

bool
folder_grants_still_hold(const struct folder_grants *grants, struct slice payload)
{
    struct accountd_folder folders[ACCOUNTD_FOLDERS_MAX];
    uint32_t count;

    if (accountd_folders_reply_decode(payload, folders, &count) < 0)
        return false;
    for (uint32_t i = 0; i < grants->count; i++)
        if (!is_given(&grants->list[i], folders, count))
            return false;
    return true;
}
