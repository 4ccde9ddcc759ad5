/*
 * remote-deliver/outgoing.c - a message in the form in which one server gets it.
 *
 * The message was written by whoever sent it: untrusted. What changes it works on the queue's file,
 * mapped read-only, and writes to the scratch file of this process.
 */
#include "remote-deliver/outgoing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/parse.h"
#include "lib/log/log.h"
#include "lib/mail/header.h"
#include "lib/mail/header_shown.h"
#include "lib/mail/mime.h"
#include "lib/mail/mime_narrow.h"

enum { RETURN_PATH_MAX = 1024 /* bytes of the field that smtpd puts on top */ };

/* ---- as it is in the queue ---- */

/* Our own Return-Path is for mailboxes: a message on its way has its reverse path in the envelope
 * (RFC 5321 section 4.4). */
static size_t
return_path_len(int fd, uint64_t offset)
{
    char top[RETURN_PATH_MAX];
    ssize_t n = pread(fd, top, sizeof(top), (off_t)offset);
    struct slice rest = slice_make(top, n < 0 ? 0 : (size_t)n);
    struct header_field field;

    if (header_next(&rest, &field) != HEADER_FIELD || rest.len == 0 ||
        !slice_eq_nocase(field.name, SLICE("Return-Path")))
        return 0;
    return field.raw.len;
}

static struct smtp_message
message_of(const struct queue_job *job, int fd)
{
    size_t skip = return_path_len(fd, job->content_offset);

    if (skip > job->content_size)
        skip = 0;
    return (struct smtp_message){
        .fd = fd,
        .offset = (off_t)(job->content_offset + skip),
        .size = job->content_size - skip,
        .prepend = job->prepend,
        .sender = job->sender,
        .envid = job->envid,
        .ret = job->ret,
        .needs_smtputf8 = job->smtputf8,
        .needs_8bit = job->body_8bit,
        .needs_binary = job->body_binary,
        .requiretls = job->requiretls,
        .terms = {.by_mode = job->by_mode,
                  .by_trace = job->by_trace,
                  .deliver_by_ms = job->deliver_by_ms,
                  .priority = job->priority},
    };
}

void
outgoing_begin(struct outgoing *o, const struct queue_job *job, int fd, struct signing *signer,
               const struct scratch *scratch, const struct sender_table *senders)
{
    *o = (struct outgoing){
        .job = job, .fd = fd, .signer = signer, .scratch = scratch, .senders = senders};
    o->message = message_of(job, fd);
    o->prepend = strbuf_new(KEYD_PREPEND_MAX + KEYD_FIELDS_MAX);
}

void
outgoing_end(struct outgoing *o)
{
    if (o->scratch_used)
        scratch_clear(o->scratch);
    strbuf_free(&o->prepend);
}

/* ---- conversion (RFC 6152 section 3, RFC 3030 section 3) ---- */

/* An internationalized header is beyond conversion: who needs SMTPUTF8 and does not find it hears
 * about that (lib/smtp/smtp_send.c). */
static enum outgoing_form
form_for(const struct queue_job *job, const struct smtp_client *client)
{
    bool takes_binary =
        smtp_client_can(client, SMTP_CAN_BINARYMIME) && smtp_client_can(client, SMTP_CAN_CHUNKING);
    bool takes_8bit = smtp_client_can(client, SMTP_CAN_8BITMIME);

    if (job->smtputf8 && !smtp_client_can(client, SMTP_CAN_SMTPUTF8))
        return OUTGOING_AS_IT_IS;
    if (job->body_binary && !takes_binary)
        return takes_8bit ? OUTGOING_8BIT : OUTGOING_7BIT;
    if (!job->body_binary && job->body_8bit && !takes_8bit)
        return OUTGOING_7BIT;
    return OUTGOING_AS_IT_IS;
}

/* ---- where what was changed goes ---- */

struct sink {
    const struct scratch *scratch;
    uint64_t written;
    const struct outgoing *shown; /* whose header is shown otherwise; NULL: it is done, or is not */
    struct strbuf header;         /* what has come of it */
};

static bool
is_shown_otherwise(const struct outgoing *o)
{
    return o->senders != NULL || o->job->shown.len > 0;
}

/* Appends the header as it is shown. False: that is as it is. */
static bool
show(const struct outgoing *o, struct slice header, struct strbuf *out)
{
    struct sender_rules rules = {.find = NULL};
    struct header_shown shown = {.groups = o->job->shown};

    if (o->senders != NULL) {
        rules = sender_table_rules(o->senders);
        shown.senders = &rules;
    }
    return header_shown_make(&shown, header, out);
}

static bool
write_through(struct sink *sink, struct slice piece)
{
    if (pwrite_all(sink->scratch->write_fd, piece, (off_t)sink->written) < 0)
        return false;
    sink->written += piece.len;
    return true;
}

/* The header is here, `len` bytes of what was collected. */
static bool
write_header(struct sink *sink, size_t len)
{
    struct slice all = strbuf_slice(&sink->header), header = slice_sub(all, 0, len);
    struct strbuf changed = strbuf_new(HEADER_SHOWN_MAX(len, sink->shown->job->shown.len));
    bool ok;

    if (show(sink->shown, header, &changed))
        header = strbuf_slice(&changed);
    ok = write_through(sink, header) && write_through(sink, slice_sub(all, len, all.len));
    strbuf_free(&changed);
    sink->shown = NULL;
    return ok;
}

static bool
write_piece(void *arg, struct slice piece)
{
    struct sink *sink = arg;
    size_t before = sink->header.len, take = MIME_HEADER_MAX - before, len;

    if (sink->shown == NULL)
        return write_through(sink, piece);
    (void)strbuf_append(&sink->header, slice_sub(piece, 0, take)); /* just fits */
    len = header_section_len(strbuf_slice(&sink->header), before);
    if (len == 0 && sink->header.len < MIME_HEADER_MAX)
        return true;
    if (!write_header(sink, len > 0 ? len : sink->header.len))
        return false;
    return write_through(sink, slice_sub(piece, take, piece.len));
}

static struct sink
sink_begin(const struct outgoing *o)
{
    return (struct sink){.scratch = o->scratch,
                         .shown = is_shown_otherwise(o) ? o : NULL,
                         .header = strbuf_new(MIME_HEADER_MAX)};
}

/* False: the last of it could not be written. */
static bool
sink_end(struct sink *sink)
{
    bool ok = sink->shown == NULL || write_header(sink, sink->header.len);

    strbuf_free(&sink->header);
    return ok;
}

/* ---- changing it ---- */

static enum outgoing_result
never(const char *reason, struct smtp_verdict *why)
{
    *why = (struct smtp_verdict){.code = 550, .dsn = "5.6.3"};
    (void)snprintf(why->text, sizeof(why->text),
                   "the server takes less than the message needs, which cannot be converted: %s",
                   reason);
    return OUTGOING_NEVER;
}

static enum outgoing_result
later(struct smtp_verdict *why)
{
    *why = (struct smtp_verdict){.dsn = "4.3.0"};
    (void)snprintf(why->text, sizeof(why->text), "it cannot be converted now: %s", strerror(errno));
    return OUTGOING_LATER;
}

/* Has anything to be replaced in a message that is sent as it is otherwise? */
static bool
needs_showing(const struct outgoing *o, struct slice message)
{
    struct slice header = slice_sub(message, 0, MIME_HEADER_MAX);
    struct strbuf changed;
    bool needs;

    if (!is_shown_otherwise(o))
        return false;
    header.len = mime_header_len(header);
    changed = strbuf_new(HEADER_SHOWN_MAX(header.len, o->job->shown.len));
    needs = show(o, header, &changed);
    strbuf_free(&changed);
    return needs;
}

static void
use_scratch(struct outgoing *o, enum outgoing_form form, uint64_t size)
{
    static const char *const words[] = {
        [OUTGOING_AS_IT_IS] = "as_it_is", [OUTGOING_8BIT] = "8bit", [OUTGOING_7BIT] = "7bit"};

    log_event(LOG_INFO, "converted", KV_SLICE("queue_id", o->job->queue_id),
              KV_STR("to", words[form]), KV_U64("size", size));
    o->message.fd = o->scratch->read_fd;
    o->message.offset = 0;
    o->message.size = size;
    if (form == OUTGOING_AS_IT_IS)
        return;
    o->message.needs_binary = false;
    o->message.needs_8bit = form == OUTGOING_8BIT && o->job->body_8bit;
}

static enum outgoing_result
change_mapped(struct outgoing *o, struct slice message, enum outgoing_form form,
              struct smtp_verdict *why)
{
    struct sink to = sink_begin(o);
    const struct mime_sink sink = {write_piece, &to};
    enum mime_narrow_result result = MIME_NARROWED;
    const char *reason = "";

    o->scratch_used = true;
    if (form != OUTGOING_AS_IT_IS)
        result =
            mime_narrow(message, form == OUTGOING_7BIT ? MIME_7BIT : MIME_8BIT, &sink, &reason);
    else if (!write_piece(&to, message))
        result = MIME_SINK_FAILED;
    if (!sink_end(&to) && result == MIME_NARROWED)
        result = MIME_SINK_FAILED;
    if (result == MIME_UNALTERABLE)
        return never(reason, why);
    if (result == MIME_SINK_FAILED)
        return later(why);
    use_scratch(o, form, to.written);
    return OUTGOING_READY;
}

/* From the queue's file, which nobody ever shortens. */
static enum outgoing_result
change(struct outgoing *o, enum outgoing_form form, struct smtp_verdict *why)
{
    size_t skip = (size_t)o->message.offset, end = skip + (size_t)o->message.size;
    enum outgoing_result result = OUTGOING_READY;
    struct slice message;
    struct stat st;
    void *map;

    errno = EIO; /* counts if it is too short */
    if (fstat(o->fd, &st) < 0 || (uint64_t)st.st_size < end || end == 0)
        return later(why);
    map = mmap(NULL, end, PROT_READ, MAP_PRIVATE, o->fd, 0);
    if (map == MAP_FAILED)
        return later(why);
    message = slice_sub(slice_make(map, end), skip, end);
    if (form == OUTGOING_7BIT && !parse_is_ascii(o->job->prepend))
        result = never("there are 8-bit characters in a header", why);
    else if (form != OUTGOING_AS_IT_IS || needs_showing(o, message))
        result = change_mapped(o, message, form, why);
    (void)munmap(map, end); /* whatever this says, it is never used again */
    return result;
}

/* ---- all of it ---- */

static enum outgoing_result
sign(struct outgoing *o, struct smtp_verdict *why)
{
    struct smtp_message arrived = message_of(o->job, o->fd);

    strbuf_clear(&o->prepend);
    signing_seal(o->signer, o->job, &arrived, &o->message, &o->prepend);
    if (signing_make(o->signer, o->job, &o->message, &o->prepend, why) == SIGNING_WAIT)
        return OUTGOING_LATER;
    (void)strbuf_append(&o->prepend, o->message.prepend); /* there is room for both */
    o->message.prepend = strbuf_slice(&o->prepend);
    return OUTGOING_READY;
}

enum outgoing_result
outgoing_prepare(struct outgoing *o, const struct smtp_client *client, struct smtp_verdict *why)
{
    enum outgoing_form form = form_for(o->job, client);
    enum outgoing_result result = OUTGOING_READY;

    if (form == o->form)
        return OUTGOING_READY;
    o->message = message_of(o->job, o->fd);
    o->form = OUTGOING_NONE; /* unless all goes well */
    if (form != OUTGOING_AS_IT_IS || is_shown_otherwise(o))
        result = change(o, form, why);
    if (result == OUTGOING_READY)
        result = sign(o, why);
    if (result == OUTGOING_READY)
        o->form = form;
    return result;
}
