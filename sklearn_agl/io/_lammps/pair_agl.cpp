#include "pair_agl.h"

#include "atom.h"
#include "comm.h"
#include "error.h"
#include "force.h"
#include "memory.h"
#include "neigh_list.h"
#include "neighbor.h"
#include "update.h"
#include "utils.h"

#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <string>

using namespace LAMMPS_NS;

// Not every build of LAMMPS shows it to plugins.
extern "C" int lammps_extract_setting(void *, const char *) __attribute__((weak));

namespace {
constexpr double TOO_CLOSE = 1e-6;    // the kernel takes atoms nearer than this for one point
}

PairAGL::PairAGL(LAMMPS *lmp) :
    Pair(lmp), show(true), reset(false), interval(1000), most(-1), count(0), shown(0), first{}
{
  manybody_flag = 1;
  one_coeff = 1;
  single_enable = 0;
  restartinfo = 0;
  no_virial_fdotr_compute = 1;
  centroidstressflag = CENTROID_AVAIL;
  nextra = 1;
  pvector = new double[nextra];
  pvector[0] = 0.0;
}

PairAGL::~PairAGL()
{
  delete[] pvector;
  if (allocated) {
    memory->destroy(setflag);
    memory->destroy(cutsq);
  }
}

void PairAGL::allocate()
{
  const int n = atom->ntypes + 1;
  memory->create(setflag, n, n, "pair:setflag");
  memory->create(cutsq, n, n, "pair:cutsq");
  map = new int[n];
  allocated = 1;
}

void PairAGL::settings(int narg, char **arg)
{
  if (lammps_extract_setting && lammps_extract_setting(lmp, "tagint") != sizeof(tagint))
    error->all(FLERR, "The plugin was compiled for another size of atom tags than this LAMMPS has; "
               "write it anew with -DLAMMPS_BIGBIG, or without, among the options of the compiler");
  for (int i = 0; i < narg; i += 2) {
    const std::string keyword = arg[i];
    if (i + 1 == narg) error->all(FLERR, "pair_style agl: {} needs a value", keyword);
    if (keyword == "showew") {
      show = utils::logical(FLERR, arg[i + 1], false, lmp);
    } else if (keyword == "resetew") {
      reset = utils::logical(FLERR, arg[i + 1], false, lmp);
    } else if (keyword == "maxew") {
      most = utils::bnumeric(FLERR, arg[i + 1], false, lmp);
    } else if (keyword == "interval") {
      interval = utils::bnumeric(FLERR, arg[i + 1], false, lmp);
      if (interval < 1) error->all(FLERR, "pair_style agl: interval must be at least 1 step");
    } else {
      error->all(FLERR, "pair_style agl has no keyword {}; it has showew, interval, resetew, maxew",
                 keyword);
    }
  }
}

void PairAGL::coeff(int narg, char **arg)
{
  if (narg < 4)
    error->all(FLERR, "pair_coeff of agl is '* * FILE' and the element of each atom type");
  if (!allocated) allocate();
  map_element2type(narg - 3, arg + 3);
  const std::string text = read(arg[2]);
  try {
    potential.reset(new agl::Potential(text));
  } catch (const std::exception &reason) {
    error->all(FLERR, "Cannot take {} as a potential: {}", arg[2], reason.what());
  }
  species.assign(atom->ntypes + 1, -1);
  for (int type = 1; type <= atom->ntypes; type++) {
    if (map[type] < 0) continue;
    const std::string element = elements[map[type]];
    for (size_t e = 0; e < potential->elements.size(); e++)
      if (potential->elements[e] == element) species[type] = e;
    if (species[type] < 0)
      error->all(FLERR, "The potential in {} has no element {}; it has {}", arg[2], element,
                 utils::join_words(potential->elements, " "));
  }
}

// The file's text, which one rank reads for all.
std::string PairAGL::read(const char *name)
{
  std::string text, reason;
  bigint length = -1;
  if (comm->me == 0) {
    if (FILE *file = std::fopen(name, "rb")) {
      char piece[4096];
      size_t n;
      while ((n = std::fread(piece, 1, sizeof(piece), file)) > 0) text.append(piece, n);
      if (!std::ferror(file)) length = text.size();
      std::fclose(file);
    }
    if (length < 0) reason = utils::getsyserror();
  }
  MPI_Bcast(&length, 1, MPI_LMP_BIGINT, 0, world);
  if (length < 0)
    error->all(FLERR, "Cannot read {}: {}; paths are relative to where LAMMPS was started", name,
               reason);
  if (length > MAXSMALLINT) error->all(FLERR, "{} is too large for a potential", name);
  text.resize(length);
  MPI_Bcast(&text[0], static_cast<int>(length), MPI_CHAR, 0, world);
  return text;
}

void PairAGL::init_style()
{
  if (force->newton_pair == 0) error->all(FLERR, "pair_style agl needs 'newton on'");
  if (potential->units != update->unit_style)
    error->all(FLERR, "The potential was written for 'units {}', but this run has 'units {}'; use "
               "those, or write it anew with units=\"{}\"",
               potential->units, update->unit_style, update->unit_style);
  if (atom->nbonds > 0 && (force->special_lj[1] == 0.0 && force->special_coul[1] == 0.0))
    error->all(FLERR, "pair_style agl needs bonded atoms among the neighbours: use 'special_bonds "
               "lj/coul 1 1 1'");
  neighbor->add_request(this, NeighConst::REQ_FULL);
}

double PairAGL::init_one(int i, int j)
{
  if (setflag[i][j] == 0) error->all(FLERR, "All pair coeffs are not set; an atom type is NULL");
  return potential->cutoff * potential->length_unit;
}

void PairAGL::compute(int eflag, int vflag)
{
  ev_init(eflag, vflag);
  try {
    for (int ii = 0; ii < list->inum; ii++) {
      const int i = list->ilist[ii];
      const int n = collect(i);
      potential->evaluate(n);
      add_atom(i, n);
      if (vflag_either) add_virials(i, n);
      count_extrapolations(i);
    }
  } catch (const std::bad_alloc &) {
    error->one(FLERR, "pair_style agl has no memory for so many neighbours");
  }
  report_extrapolations();
}

// Bring an atom and its neighbours into the form that the kernel takes; returns how many there are.
int PairAGL::collect(int i)
{
  const double *const *x = atom->x;
  const int *type = atom->type, *jlist = list->firstneigh[i];
  const int jnum = list->numneigh[i];
  const double xi = x[i][0], yi = x[i][1], zi = x[i][2];
  agl::Potential &to = *potential;
  const double scale = 1.0 / to.length_unit, limit = to.cutoff * to.cutoff;
  to.reserve(jnum + 1);
  if (neighbors.size() < static_cast<size_t>(jnum) + 1) neighbors.resize(2 * jnum + 1);

  to.x[0] = to.y[0] = to.z[0] = to.squares[0] = to.places[0] = 0.0;
  to.species[0] = species[type[i]];
  neighbors[0] = i;
  int n = 1;
  double closest = limit;
  for (int jj = 0; jj < jnum; jj++) {
    const int j = jlist[jj] & NEIGHMASK;
    const double dx = scale * (x[j][0] - xi), dy = scale * (x[j][1] - yi),
                 dz = scale * (x[j][2] - zi);
    const double square = dx * dx + dy * dy + dz * dz;
    to.x[n] = dx;
    to.y[n] = dy;
    to.z[n] = dz;
    to.squares[n] = square;
    to.places[n] = n;
    to.species[n] = species[type[j]];
    neighbors[n] = j;
    closest = square < closest ? square : closest;
    // What is too far away is overwritten by the next one.
    n += square < limit;
  }
  if (closest < TOO_CLOSE * TOO_CLOSE)
    error->one(FLERR, "Atom {} has another atom at its place; remove one of them", atom->tag[i]);
  return n;
}

// Energy and forces of what the kernel has found.
void PairAGL::add_atom(int i, int n)
{
  double **f = atom->f;
  const agl::Potential &from = *potential;
  const double scale = from.energy_unit / from.length_unit;
  double sum[3] = {0.0, 0.0, 0.0};
  for (int k = 1; k < n; k++) {
    const double *gradient = from.gradient + 3 * k;
    double *to = f[neighbors[k]];
    for (int axis = 0; axis < 3; axis++) {
      const double along = scale * gradient[axis];
      to[axis] -= along;
      sum[axis] += along;
    }
  }
  for (int axis = 0; axis < 3; axis++) f[i][axis] += sum[axis];
  const double energy = from.energy_unit * from.energy[0];
  if (eflag_global) eng_vdwl += energy;
  if (eflag_atom) eatom[i] += energy;
}

// An atom gets the virial of its own energy. Its centroid form belongs to the atoms that the forces
// act on, as the exact heat current of a many-body potential has it.
void PairAGL::add_virials(int i, int n)
{
  static constexpr int ROWS[9] = {0, 1, 2, 0, 0, 1, 1, 2, 2}, COLUMNS[9] = {0, 1, 2, 1, 2, 2, 0, 0, 1};
  const agl::Potential &from = *potential;
  for (int c = 0; c < 6; c++) {
    const double value = -from.energy_unit * from.strain[3 * ROWS[c] + COLUMNS[c]];
    if (vflag_global) virial[c] += value;
    if (vflag_atom) vatom[i][c] += value;
  }
  if (!cvflag_atom) return;
  const double *const *x = atom->x;
  const double scale = from.energy_unit / from.length_unit;
  for (int k = 1; k < n; k++) {
    const int j = neighbors[k];
    for (int c = 0; c < 9; c++)
      cvatom[j][c] -=
          scale * (x[j][ROWS[c]] - x[i][ROWS[c]]) * from.gradient[3 * k + COLUMNS[c]];
  }
}

void PairAGL::count_extrapolations(int i)
{
  for (const int64_t column : potential->columns[species[atom->type[i]]]) {
    const agl::Function &function = potential->functions[column];
    const double value = potential->values[column];
    if (value >= function.lowest && value <= function.highest) continue;
    if (count == shown)
      first = {static_cast<double>(update->ntimestep), static_cast<double>(atom->tag[i]),
               static_cast<double>(column), value};
    count++;
  }
  if (most >= 0 && count > most)
    error->one(FLERR, "More than maxew={} symmetry functions of atoms were outside the range of "
               "the training: the potential extrapolates. Train it with such structures", most);
}

// At the end of an interval, which is where ranks talk to each other about it.
void PairAGL::report_extrapolations()
{
  pvector[0] = static_cast<double>(count);
  if (update->ntimestep % interval) return;
  bigint own = count - shown, all;
  MPI_Allreduce(&own, &all, 1, MPI_LMP_BIGINT, MPI_SUM, world);
  if (show && all > 0) {
    int rank = own > 0 ? comm->me : comm->nprocs, teller;
    MPI_Allreduce(&rank, &teller, 1, MPI_INT, MPI_MIN, world);
    Extrapolation told = first;
    MPI_Bcast(&told, sizeof(told), MPI_BYTE, teller, world);
    const agl::Function &function = potential->functions[static_cast<size_t>(told.function)];
    if (comm->me == 0)
      utils::logmesg(lmp, "pair agl: {} extrapolations until step {}; the first at step {:.0f}: "
                     "atom {:.0f} has {} = {:.6g}, which was {:.6g} to {:.6g} in training\n",
                     all, update->ntimestep, told.step, told.tag, function.name, told.value,
                     function.lowest, function.highest);
  }
  shown = count;
  bigint total;
  MPI_Allreduce(&count, &total, 1, MPI_LMP_BIGINT, MPI_SUM, world);
  if (most >= 0 && total > most)
    error->all(FLERR, "{} symmetry functions of atoms were outside the range of the training, more "
               "than maxew={}: the potential extrapolates. Train it with such structures", total,
               most);
  if (reset) count = shown = 0;
}

double PairAGL::memory_usage()
{
  return Pair::memory_usage() + (potential ? potential->memory_usage() : 0.0) +
      static_cast<double>(neighbors.size() * sizeof(int));
}

// What LAMMPS calls when it loads the plugin. The struct is its interface for plugins.
namespace {
struct Plugin {
  const char *version, *style, *name, *info, *author;
  void *(*create)(void *);
  void *handle;
};

void *create(void *lmp)
{
  return new PairAGL(static_cast<LAMMPS *>(lmp));
}
}    // namespace

extern "C" __attribute__((visibility("default"))) void lammpsplugin_init(void *lmp, void *handle,
                                                                         void *registry)
{
  Plugin plugin = {AGL_LAMMPS_VERSION, "pair", "agl", "neural network potentials of sklearn_agl",
                   "sklearn_agl developers", &create, handle};
  reinterpret_cast<void (*)(Plugin *, void *)>(registry)(&plugin, lmp);
}
