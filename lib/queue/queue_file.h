/*
 * lib/queue/queue_file.h - one queued message on disk; doc/queue.md has every byte.
 *
 * A message is the file `ID` in a state's directory (new/ active/ deferred/ hold/ corrupt/): the
 * message content from the first byte, immutable, so that local delivery can link the file into
 * mailboxes. The envelope is one checksummed record: for a message with one recipient it follows
 * the content in the same file (one create, one flush, no file to delete later); with more it is
 * the file `ID.env` beside it. What happens to the recipients is appended to `ID.log`, made when
 * the first attempt leaves something undone. When the last recipient is done the names go, and then
 * the envelope behind the content is cut off (the mailboxes' links see the content alone).
 */
#ifndef POSTHORN_LIB_QUEUE_QUEUE_FILE_H
#define POSTHORN_LIB_QUEUE_QUEUE_FILE_H

#include <stdint.h>
#include <sys/types.h>

#include "lib/queue/envelope.h"

/* A new queue id: 9 letters of time (microseconds in base 62, so that ids sort by age), 6 random.
 */
void queue_id_make(char id[QUEUE_ID_SIZE]);
bool queue_id_valid(struct slice id);
/* When queue_id_make() made it (ms since 1970); -1: it is not one of ours. */
int64_t queue_id_time_ms(const char *id);

/* ---- writing: smtpd, bounces, gateways. Directories tmp/ and new/ by descriptor ---- */
/* Creates tmp/ID with mode 0664 less the umask, which must be 0002 or smaller: queue-manager and
 * local-deliver have their rights by the directory's group. A descriptor for writing, or -1 with
 * errno (ENOSPC: 452). */
int queue_file_create(int tmp_dirfd, const char *id);

struct queue_writer;
/* Creates tmp/ID. NULL with errno. `new_dirfd` must be open for reading (it is flushed),
 * `tmp_dirfd` need not. */
struct queue_writer *queue_writer_open(int tmp_dirfd, int new_dirfd, const char *id);
/* The same with a slot (lib/queue/queue_slots.h), whose `fd` the writer then owns. */
struct queue_writer *queue_writer_adopt(int tmp_dirfd, int new_dirfd, const char *id, int fd);
int queue_writer_write(struct queue_writer *w, struct slice content); /* buffered */
/* Envelope behind or beside, flush, rename to new/, flush the directory unless a slot makes that
 * needless: after a 0 the message is ours for good. -1 with errno: nothing is there (at the very
 * worst, when the last flush fails after the queue manager has seen the file, a duplicate). Frees
 * the writer either way. The envelope's id and content_* are taken from the writer. */
int queue_writer_commit(struct queue_writer **wp, const struct queue_envelope *envelope);
/* The same for a writer who has noted the id and looks, after a crash too, whether it was sent: -1
 * with errno leaves tmp/ID, never nothing, and the writer is the one to remove it (and ID.env)
 * when it has forgotten the id. tmp/ID gone: queue-manager has the message all the same. */
int queue_writer_commit_or_leave(struct queue_writer **wp, const struct queue_envelope *envelope);
void queue_writer_abort(struct queue_writer **wp);
/* Frees the writer; tmp/ID stays, for whoever looks whether it was committed. */
void queue_writer_leave(struct queue_writer **wp);
/* Puts on disk what was written so far, so that the commit of a large message waits for less. 0, or
 * -1 with errno. */
int queue_writer_sync(struct queue_writer *w);
uint64_t queue_writer_size(const struct queue_writer *w);
/* A descriptor for reading what was written so far; the caller's. It stays readable whatever
 * becomes of the message. Needs the right to read in tmp/. -1 with errno. */
int queue_writer_reader(struct queue_writer *w);
/* Begins the file anew under its name: before the commit the content may still be another one. The
 * commit then flushes new/, as without a slot. 0, or -1 with errno: only queue_writer_abort is
 * left.
 */
int queue_writer_restart(struct queue_writer *w);
/* Wakes the queue manager (the FIFO queue/trigger); never blocks, may be lost. */
void queue_trigger(int trigger_fd);

/* ---- reading: queue-manager, the command line ---- */
struct queue_message; /* an open queued message with its envelope and recipients' states */
/* NULL with errno; EBADMSG: damaged, belongs into corrupt/. The content itself is not read. */
struct queue_message *queue_message_open(int dirfd, const char *id);
const struct queue_envelope *queue_message_envelope(const struct queue_message *m);
int queue_message_fd(const struct queue_message *m); /* content at offset 0; read-only */
/* Closes the file and keeps the envelope (the active set would need too many descriptors). */
void queue_message_detach(struct queue_message *m);
bool queue_message_is_beside(const struct queue_message *m); /* has an ID.env */
/* Reads the content and compares its checksum. 0, or -1 with errno: EBADMSG. */
int queue_message_check_content(const struct queue_message *m);
void queue_message_close(struct queue_message **mp);

/* "ID.env", "ID.log": names of what lies beside a message. */
#define QUEUE_NAME_MAX 40
void queue_name(char out[QUEUE_NAME_MAX], const char *id, const char *suffix);

#endif
