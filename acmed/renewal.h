/*
 * acmed/renewal.h - when a certificate is renewed: in the window that the authority suggests
 * (RFC 9773), or when two thirds of its life are over.
 */
#ifndef POSTHORN_ACMED_RENEWAL_H
#define POSTHORN_ACMED_RENEWAL_H

#include "acmed/ca.h"
#include "acmed/state.h"

/* From its validity, at a random point of the life's 24th part that follows. */
void renewal_plan(struct state *state);
/* Asks for the window, and sets when to ask again. A failure is no failure of the certificate. */
void renewal_look(struct ca *ca, struct state *state, int64_t now_ms);
/* The pause before the next attempt, after state->failures of them. */
void renewal_put_off(struct state *state, int64_t retry_ms, int64_t not_before_ms, int64_t now_ms);

#endif
