/* model_try.h - em model try.
 *
 * Trust:  the folder is the publisher's; what is computed here proves nothing.
 * Memory: none.
 */
#ifndef EM_CMD_MODEL_TRY_H
#define EM_CMD_MODEL_TRY_H

int em_model_try_command(int argc, char **argv);

#endif
