/*
 * lib/ipc/local_deliver.c - codec of the store's control socket. No I/O.
 *
 * Trusts nothing: a path that is not exactly DOMAIN/xx/USER does not decode.
 */
#include "lib/ipc/local_deliver.h"

#include <errno.h>
#include <string.h>

#define PATH_PARTS 3

int
store_ctl_encode(struct strbuf *out, uint16_t type, const struct store_ctl *req)
{
    struct writer w = frame_begin(out, type, 0);

    writer_bytes(&w, req->path);
    writer_bytes(&w, req->new_path);
    writer_bytes(&w, req->dir);
    writer_bytes(&w, req->place);
    writer_bytes(&w, req->folder);
    writer_bytes(&w, req->new_folder);
    writer_bytes(&w, req->parent);
    writer_u64(&w, (uint64_t)req->charge.bytes);
    writer_u64(&w, (uint64_t)req->charge.messages);
    writer_u8(&w, req->charge.within_quota);
    writer_u64(&w, req->charge.quota_bytes);
    writer_u64(&w, req->charge.quota_messages);
    writer_u8(&w, req->charge.new_uidvalidity);
    writer_u8(&w, req->is_urgent);
    return frame_end(&w);
}

static bool
read_charge(struct reader *r, struct store_ctl_charge *charge)
{
    uint8_t within_quota, new_uidvalidity;

    charge->bytes = (int64_t)reader_u64(r);
    charge->messages = (int64_t)reader_u64(r);
    within_quota = reader_u8(r);
    charge->quota_bytes = reader_u64(r);
    charge->quota_messages = reader_u64(r);
    new_uidvalidity = reader_u8(r);
    charge->within_quota = within_quota == 1;
    charge->new_uidvalidity = new_uidvalidity == 1;
    return within_quota <= 1 && new_uidvalidity <= 1 && charge->bytes <= STORE_CHARGE_MAX &&
           charge->bytes >= -STORE_CHARGE_MAX && charge->messages <= STORE_CHARGE_MAX &&
           charge->messages >= -STORE_CHARGE_MAX;
}

int
store_ctl_decode(struct slice payload, struct store_ctl *req)
{
    struct reader r = reader_begin(payload);
    bool good;
    uint8_t urgent;

    req->path = reader_bytes(&r, STORE_PATH_MAX);
    req->new_path = reader_bytes(&r, STORE_PATH_MAX);
    req->dir = reader_bytes(&r, STORE_DIR_MAX);
    req->place = reader_bytes(&r, STORE_PLACE_MAX);
    req->folder = reader_bytes(&r, STORE_DIR_MAX);
    req->new_folder = reader_bytes(&r, STORE_DIR_MAX);
    req->parent = reader_bytes(&r, STORE_DIR_MAX);
    good = read_charge(&r, &req->charge);
    urgent = reader_u8(&r);
    req->is_urgent = urgent == 1;
    if (!good || urgent > 1 || reader_end(&r) < 0 || !store_path_valid(req->path))
        return -1;
    return req->new_path.len == 0 || store_path_valid(req->new_path) ? 0 : -1;
}

int
store_url_encode(struct strbuf *out, const struct store_url *req)
{
    struct writer w = frame_begin(out, STORE_URL, 0);

    writer_bytes(&w, req->path);
    writer_bytes(&w, req->reader);
    writer_bytes(&w, req->url);
    return frame_end(&w);
}

int
store_url_decode(struct slice payload, struct store_url *req)
{
    struct reader r = reader_begin(payload);

    req->path = reader_bytes(&r, STORE_PATH_MAX);
    req->reader = reader_bytes(&r, STORE_READER_MAX);
    req->url = reader_bytes(&r, STORE_URL_MAX);
    if (reader_end(&r) < 0 || req->reader.len == 0)
        return -1;
    return req->path.len == 0 || store_path_valid(req->path) ? 0 : -1;
}

int
store_ctl_reply_encode(struct strbuf *out, uint32_t id, const struct store_ctl_reply *reply)
{
    struct writer w = frame_begin(out, STORE_CTL_REPLY, id);

    writer_u32(&w, reply->error);
    writer_u64(&w, reply->bytes);
    writer_u64(&w, reply->messages);
    writer_u32(&w, reply->uidvalidity);
    writer_bytes(&w, slice_of(reply->mailbox_id));
    for (size_t i = 0; i < STORE_COUNT_FOLDERS; i++) {
        writer_u32(&w, reply->counts[i].unseen);
        writer_u32(&w, reply->counts[i].total);
    }
    return frame_end(&w);
}

int
store_ctl_reply_decode(struct slice payload, struct store_ctl_reply *reply)
{
    struct reader r = reader_begin(payload);
    struct slice id;

    *reply = (struct store_ctl_reply){.error = reader_u32(&r)};
    reply->bytes = reader_u64(&r);
    reply->messages = reader_u64(&r);
    reply->uidvalidity = reader_u32(&r);
    id = reader_bytes(&r, STORE_MAILBOX_ID_SIZE - 1);
    for (size_t i = 0; i < STORE_COUNT_FOLDERS; i++) {
        reply->counts[i].unseen = reader_u32(&r);
        reply->counts[i].total = reader_u32(&r);
    }
    if (reader_end(&r) < 0)
        return -1;
    if (id.len > 0)
        memcpy(reply->mailbox_id, id.ptr, id.len);
    return 0;
}

const char *
store_ctl_error(uint32_t error)
{
    switch (error) {
    case ENODEV:
        return "the storage directory is missing";
    case ENOSPC:
        return "the storage directory is full";
    default:
        return strerror((int)error);
    }
}

static bool
part_valid(struct slice part)
{
    if (part.len == 0 ||
        part.ptr[0] == '.') /* no ".", no "..", none of the store's own dot names */
        return false;
    for (size_t i = 0; i < part.len; i++)
        if ((unsigned char)part.ptr[i] < 0x20 || part.ptr[i] == 0x7f)
            return false;
    return true;
}

bool
store_dir_valid(struct slice dir)
{
    return dir.len > 1 && dir.len <= STORE_DIR_MAX && dir.ptr[0] == '.' && dir.ptr[1] != '.' &&
           slice_index(dir, '/') == dir.len && slice_index(dir, '\0') == dir.len;
}

bool
store_path_valid(struct slice path)
{
    size_t parts = 0;

    if (path.len > STORE_PATH_MAX || slice_ends(path, SLICE("/")))
        return false;
    while (path.len > 0) {
        if (++parts > PATH_PARTS || !part_valid(slice_split(&path, '/')))
            return false;
    }
    return parts == PATH_PARTS;
}

bool
store_path_is_public(struct slice path)
{
    return slice_starts(slice_sub(path, slice_rindex(path, '/') + 1, path.len),
                        SLICE(STORE_PUBLIC_MARK));
}
