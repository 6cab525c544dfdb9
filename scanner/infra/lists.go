package infra

// podSecurity is the page of the standard that the first two lists follow.
const podSecurity = "https://kubernetes.io/docs/concepts/security/pod-security-standards/"

// hardeningGuide is what the rules of NSA and CISA come from.
const hardeningGuide = "https://media.defense.gov/2022/Aug/29/2003066362/-1/-1/0/CTR_KUBERNETES_HARDENING_GUIDANCE_1.2_20220829.PDF"

// podSecurityBaseline are the controls of the baseline policy of the Pod Security Standards, in their order there.
var podSecurityBaseline = []Check{
	hostProcess, hostNetwork, hostPID, hostIPC, privilegedContainer, addedCapabilities, hostPath, runtimeSocket, sensitiveHostPath,
	hostPort, hostProbe, appArmorDisabled, seLinuxOptions, procMount, seccompUnconfined, unsafeSysctl,
}

// podSecurityRestricted are those that the restricted policy adds.
var podSecurityRestricted = []Check{
	volumeType, privilegeEscalation, runAsNonRoot, runAsRoot, noSeccompProfile, capabilitiesNotDropped, restrictedCapabilities,
}

// hardening are the essentials of the Kubernetes Hardening Guide of NSA and CISA that manifests show.
var hardening = []Check{
	writableRootFilesystem, serviceAccountToken, memoryLimit, resourceRequests, secretInEnvironment, secretInCode,
	imageTag, imageDigest, sshServer, tiller, sharedProcessNamespace, barePod, defaultNamespace, ingressWithoutTLS,
	externalIPs, namespacePodSecurity,
}

// accessControl are rules about RBAC
// (https://kubernetes.io/docs/concepts/security/rbac-good-practices/).
var accessControl = []Check{
	rbacFullAccess, rbacWildcard, rbacEscalation, rbacSecrets, rbacPodExec, rbacWorkloads, rbacTokens, rbacNodeProxy,
	rbacWebhooks, rbacCertificates, rbacVolumes, rbacClusterAdmin, rbacAnonymous, rbacDefaultAccount,
}

// dockerfiles are rules about Dockerfiles
// (https://docs.docker.com/build/building/best-practices/).
var dockerfiles = []Check{
	dockerfileRoot, dockerfileImageTag, dockerfileImageDigest, dockerfileSecret, dockerfileSecretFile, dockerfileRemoteAdd,
	dockerfilePipeToShell, dockerfileUnverifiedDownload, dockerfilePasswordInCommand, dockerfileInsecureBuild, dockerfileWorldWritable,
	dockerfileSudo, dockerfileSSH,
}

// workflows are rules about the workflows and actions of GitHub
// (https://docs.github.com/en/actions/reference/security/secure-use).
var workflows = []Check{
	workflowScriptInjection, workflowUntrustedCheckout, workflowUnpinnedAction, workflowWriteAll, workflowNoPermissions,
	workflowSelfHosted, workflowSecretsInherit, workflowAllSecrets, workflowArtifactPoisoning, workflowCachePoisoning,
	workflowInsecureCommands, workflowPersistedCredentials, workflowSpoofableActor, workflowPlainCredentials,
}

// composeFiles are rules about the services of Compose files
// (https://docs.docker.com/reference/compose-file/services/).
var composeFiles = []Check{
	composePrivileged, composeHostNamespace, composeRuntimeSocket, composeHostPath, composeAddedCapabilities, composeUnconfined,
	composeOpenPort, composeSecret, composeImageTag,
}

// pipelines are rules about the pipelines of GitLab
// (https://docs.gitlab.com/ci/pipelines/pipeline_security/).
var pipelines = []Check{
	gitlabUnpinnedInclude, gitlabIncludeWithoutRef, gitlabScriptInjection, gitlabSecret, gitlabDebugTrace, gitlabImageTag,
	gitlabPipeToShell, gitlabUnverifiedServer, gitlabDockerWithoutTLS, gitlabDeployFromAnywhere,
}

const (
	composeServices  = "https://docs.docker.com/reference/compose-file/services/"
	dockerSecurity   = "https://docs.docker.com/engine/security/"
	pipelineSecurity = "https://docs.gitlab.com/ci/pipelines/pipeline_security/"
	pipelineSyntax   = "https://docs.gitlab.com/ci/yaml/"
)

const (
	dockerPractices = "https://docs.docker.com/build/building/best-practices/"
	secureUse       = "https://docs.github.com/en/actions/reference/security/secure-use"
)
