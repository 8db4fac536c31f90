//go:build explore

package bench

import fstypes "github.com/tonistiigi/fsutil/types"

type fsStat = fstypes.Stat
