package sim

// Shrink leaves out of a failing scenario whatever it fails without: first
// large pieces, then single steps, at most limit tries.
func Shrink(s Scenario, limit int, fails func(Scenario) bool) Scenario {
	for piece := max(1, len(s.Steps)/2); ; {
		shrunk := false
		for at := 0; at < len(s.Steps) && limit > 0; {
			rest := append(append([]Step(nil), s.Steps[:at]...), s.Steps[min(at+piece, len(s.Steps)):]...)
			limit--
			if fails(Scenario{Seed: s.Seed, Steps: rest}) {
				s.Steps, shrunk = rest, true
			} else {
				at += piece
			}
		}
		switch {
		case limit <= 0, piece == 1 && !shrunk:
			return s
		case piece > 1:
			piece /= 2
		}
	}
}
