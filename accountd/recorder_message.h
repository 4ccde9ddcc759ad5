/*
 * accountd/recorder_message.h - what accountd says to its recorder, and its answers. Encoders
 * append one frame; decoders trust nothing and return 0, or -1. Slices borrow.
 */
#ifndef POSTHORN_ACCOUNTD_RECORDER_MESSAGE_H
#define POSTHORN_ACCOUNTD_RECORDER_MESSAGE_H

#include "accountd/recorder.h"
#include "lib/ipc/frame.h"

#define RECORDER_PATH_MAX 599
#define RECORDER_PACKET_MAX 32768 /* bytes of frames in one packet to the recorder */
#define RECORDER_ANSWER_MAX (RECORDER_DATA_MAX + 2048)

enum recorder_type {
    RECORDER_NOTE = 1,
    RECORDER_MOVED, /* new_path ""; it is removed */
    RECORDER_LIST,
    RECORDER_SUMS,
    RECORDER_ANSWER,
    RECORDER_LOST /* from the keeper: it has died */
};

int recorder_note_encode(struct strbuf *out, const struct recorder_note *note);
/* `path` has room for RECORDER_PATH_MAX and a NUL, `figures` for all; note->path and ->figures
 * point to them. */
int recorder_note_decode(struct slice payload, struct recorder_note *note,
                         char path[RECORDER_PATH_MAX + 1], uint64_t figures[BOOK_FIGURES]);

int recorder_moved_encode(struct strbuf *out, struct slice path, struct slice new_path);
int recorder_moved_decode(struct slice payload, char path[RECORDER_PATH_MAX + 1],
                          char new_path[RECORDER_PATH_MAX + 1]);

struct recorder_question {
    char path[RECORDER_PATH_MAX + 1]; /* LIST: a user; SUMS: the directory */
    uint32_t kinds;                   /* LIST */
    struct book_period period;        /* SUMS */
    struct slice cursor;              /* SUMS */
};
int recorder_question_encode(struct strbuf *out, enum recorder_type type, uint32_t id,
                             const struct recorder_question *question);
int recorder_question_decode(struct slice payload, struct recorder_question *question);

int recorder_answer_encode(struct strbuf *out, uint32_t id, struct slice data, struct slice cursor);
int recorder_answer_decode(struct slice payload, struct slice *data, struct slice *cursor);

#endif
