/* policy_make.h - em policy make: a signed policy out of options.
 *
 * Trust:  the signer's own words; trust/policy_body refuses what no policy may be.
 * Memory: freed before return.
 */
#ifndef EM_CMD_POLICY_MAKE_H
#define EM_CMD_POLICY_MAKE_H

int em_policy_make_command(int argc, char **argv);

#endif
