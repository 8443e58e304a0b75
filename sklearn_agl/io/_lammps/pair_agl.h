// pair_style agl: a thin layer between LAMMPS and the compiled kernel of a potential of sklearn_agl.

#ifndef LMP_PAIR_AGL_H
#define LMP_PAIR_AGL_H

#include <memory>
#include <vector>

#include "pair.h"
#include "potential.h"

namespace LAMMPS_NS {

class PairAGL : public Pair {
 public:
  explicit PairAGL(class LAMMPS *);
  ~PairAGL() override;
  void compute(int, int) override;
  void settings(int, char **) override;
  void coeff(int, char **) override;
  void init_style() override;
  double init_one(int, int) override;
  double memory_usage() override;

 private:
  std::unique_ptr<agl::Potential> potential;
  std::vector<int64_t> species;     // of the potential, by type of LAMMPS; -1 for NULL
  std::vector<int> neighbors;       // of the atom at hand, itself first

  // Functions outside the range that they had in training.
  bool show, reset;
  bigint interval, most;            // most < 0: there is no limit
  bigint count, shown;              // on this rank, since the last reset; of them, told of
  struct Extrapolation {
    double step, tag, function, value;
  } first;                          // of those not told of

  void allocate();
  std::string read(const char *);
  int collect(int);
  void add_atom(int, int);
  void add_virials(int, int);
  void count_extrapolations(int);
  void report_extrapolations();
};

}    // namespace LAMMPS_NS

#endif
