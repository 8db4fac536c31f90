//go:build full

package conformance

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// A test that others ended amid its parts runs again; one that failed does not.
func TestRead(t *testing.T) {
	const stream = `
{"Action":"run","Test":"TestIntegration"}
{"Action":"run","Test":"TestIntegration/TestA/worker=oci/frontend=gateway"}
{"Action":"output","Test":"TestIntegration/TestA/worker=oci/frontend=gateway","Output":"a"}
{"Action":"pass","Test":"TestIntegration/TestA/worker=oci/frontend=gateway"}
{"Action":"run","Test":"TestIntegration/TestB/worker=oci/frontend=gateway"}
{"Action":"run","Test":"TestIntegration/TestB/worker=oci/frontend=gateway/part"}
{"Action":"pass","Test":"TestIntegration/TestB/worker=oci/frontend=gateway/part"}
{"Action":"run","Test":"TestIntegration/TestC/worker=oci/frontend=gateway"}
{"Action":"run","Test":"TestIntegration/TestC/worker=oci/frontend=gateway/part"}
{"Action":"fail","Test":"TestIntegration/TestC/worker=oci/frontend=gateway/part"}
`
	assert.Equal(t, results{"TestA": {"pass", "a"}, "TestC/part": {"fail", ""}}, read(t, strings.NewReader(stream)))
}
