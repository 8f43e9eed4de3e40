/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of `weir lab`. */
#ifndef WEIR_TOOLS_LAB_VERBS_H
#define WEIR_TOOLS_LAB_VERBS_H

int lab_up_main(int argc, char **argv);
int lab_down_main(int argc, char **argv);
int lab_exec_main(int argc, char **argv);
int lab_probe_main(int argc, char **argv);
int lab_serve_main(int argc, char **argv);
int lab_status_main(int argc, char **argv);
int lab_demo_main(int argc, char **argv);

#endif
