/*
 * pop3d/capability.h - CAPA, UTF8 and LANG: what the server can do.
 */
#ifndef POSTHORN_POP3D_CAPABILITY_H
#define POSTHORN_POP3D_CAPABILITY_H

#include "pop3d/session.h"

enum session_state capability_run(struct session *s, struct slice args);
enum session_state capability_utf8_run(struct session *s, struct slice args);
enum session_state capability_language_run(struct session *s, struct slice args);

#endif
